package match

import "strings"

// variants reports whether two given names are forms of one name: a nickname or
// the form of another language. A short form that begins the long one (Sam,
// Samuel) needs no table.
func variants(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) >= 3 && strings.HasPrefix(b, a) {
		return true
	}
	for _, g := range variantOf[a] {
		for _, h := range variantOf[b] {
			if g == h {
				return true
			}
		}
	}
	return false
}

// variantOf holds the groups that a name belongs to.
var variantOf = func() map[string][]uint16 {
	of := map[string][]uint16{}
	for i, line := range strings.Split(strings.TrimSpace(variantGroups), "\n") {
		for _, n := range strings.Fields(line) {
			of[n] = append(of[n], uint16(i))
		}
	}
	return of
}()

// variantGroups are common knowledge: forms of one name on each line. A name may
// stand on several lines.
const variantGroups = `
abigail abby gail abbie
abraham abe ibrahim avraham abram bram
adam adem adamu
agnes inez ines nessa
albert al bert bertie alberto
alexander alex alec sandy sasha xander alejandro alessandro aleksandr iskander sander lex sacha olexandr oleksandr alistair alasdair
alexandra alex sandra sasha sandy lexi alexa alejandra aleksandra
alfred alf alfie fred
alice alicia ally ali alisha
amelia amy millie emily milly
andrew andy drew andreas andrei andrey andre andrzej andres andriy ondrej
angela angie angelina
ann anna anne annie hannah nan nancy anya ania hanna anka
anthony tony ant antonio anton antoni antoine
arthur art artie artur arturo
barbara barb babs barbie basia
benjamin ben benji benny binyamin
bernard bernie bernardo
beatrice bea beatrix trixie
bridget bridie biddy brigid
cameron cam
caroline carol carrie carolyn lina karolina
catherine kate cathy kathy katie kit kitty katherine kathryn katarina caterina ekaterina katya yekaterina kasia katarzyna kathleen kay katrina
charles charlie chuck chas carl karl carlos karol carlo
charlotte charlie lottie lotte
christina chris tina chrissy christine kirsty kristina krystyna
christopher chris kit topher kris krzysztof cristobal
clara clare claire klara
daniel dan danny danilo daniyal
david dave davey dai dawud daud davide dawid
deborah deb debbie debs debra
dennis denis den denny
dmitri dima mitya dmitriy dmitry dmytro
donald don donnie
dorothy dot dolly dottie dora
edward ed eddie ted teddy ned eduardo edouard edmund
eleanor ellie nell nora elena helen ella lenora elinor
elizabeth liz lizzie beth betty eliza lisa elsie bess libby betsy lizzy bessie elisabeth elspeth isabel isabella elisa elzbieta yelizaveta lili lily
emma em emmy
eugene gene yevgeny evgeny jevgeni
eve eva evie
evelyn evie eve lyn
fatima fatma fatema fatimah fatoumata
florence flo florrie flossie
frances fran frankie francesca fanny franny
francis frank frankie fran francisco francesco franciszek paco
frederick fred freddie freddy fritz frederic federico friedrich
gabriel gabe jibril
gabriella gabby ella
geoffrey geoff jeff jeffrey
george georgie georg jorge giorgos yuri giorgio georgios jerzy jiri georgi
georgina georgie georgia
gerald gerry jerry gerard
gillian gill jill
grace gracie
graham graeme
gregory greg gregor grzegorz
hannah hanna nan
harold harry hal harald
harriet hattie harry
hassan hasan hassaan
helen nell ellen helena elena lena helene olena
henry harry hal hank enrique henri heinrich enrico henryk
hugh hughie hugo
hussein husain hossein husayn hussain houssein
irene renee rena irina iryna
ivan john jan vanya
jacob jake yakub yaqub jakub james diego
jacqueline jackie jacqui
james jim jimmy jamie jem jacques santiago giacomo hamish seamus jaime
jane jean janet jenny joan sheena jana
jennifer jen jenny jennie
jessica jess jessie
joan joanie jo
joanna jo joanne johanna
john jack johnny jon ian sean jonny juan jean giovanni hans johann ivan jan johannes yahya evan ioan yiannis ioannis joao shaun shane janos
jonathan jon jonny johnny nathan
joseph joe joey jose yusuf giuseppe josef pepe yosef jozef youssef yousef iosif
josephine josie jo
joshua josh
judith judy judi
julia julie juliet jules yulia iulia
julian jules
katherine kate kathy katie kay kit
kenneth ken kenny
khadija khadijah hadija kadija
laurence larry lawrence lorenzo laurie lars
leonard len lenny leo leon
lewis lou louis luis ludwig luigi
lillian lily lil
louise lou lulu luisa
lucy lucia lucie
luke lucas luca lukas luc lukasz
lydia lyddie
margaret maggie meg peg peggy madge marge daisy greta rita margarita marguerite margot megan malgorzata
maria mary marie miriam maryam mariam molly polly may mae mia maire moira
mark marc marcus marco marek markus
martha mattie marta
martin marty martyn marcin
matilda tilly mattie tilda
matthew matt mateo matthias mattheus mateusz matteo matthieu
maxwell max maximilian maksim maxim
mehmet mohammed
michael mike mick mickey mikey miguel mikhail michal michel misha micheal mikael mykhailo mihai
mildred millie
mohammed mohammad muhammad mohamed mohamad muhammed mohd md mehmet mo mahomed mahamadou mamadou muhamad
natalie nat natalia natasha nataliya
nathaniel nat nathan nate
nicholas nick nicky nicolas nico nikolai klaus mykola nikolaos nicola
nicola nicky nikki
oliver ollie olly olivier
olivia liv livvy ollie
oscar oskar
pamela pam
patricia pat patty tricia trish patsy
patrick pat paddy padraig patricio
paul pablo paolo pavel pawel pavlo paulo
penelope penny
peter pete pedro pierre pietro pyotr piotr petros petr petro
philip phil pip phillip felipe filip
rachel rae rachael rahel
raymond ray ramon
rebecca becky becca bex
reginald reg reggie
richard rick dick rich ricky richie ricardo dickie
robert rob bob bobby robbie bert bobbie roberto robin rupert
ronald ron ronnie
rosemary rose rosie
rose rosie rosa
roger rog rodge
ruth ruthie
samantha sam sammy
samuel sam sammy shmuel
sarah sally sara sadie sarra
sergei serge sergio sergey serhiy sergii
simon si shimon simeon
sofia sophia sophie sofiya zofia sofija
stanley stan stanislaw stanislav
stephen steve steven stevie esteban stefan etienne stephan szczepan istvan stepan
stephanie steph stefania
susan sue suzie susie suzanne susanna zuzanna
tamara toma tammy
terence terry terrence
theodore ted theo teddy fyodor fedor
theresa terry tess teresa tessa
thomas tom tommy tomas tomasz tam
timothy tim timmy
valentina valya
victor vic viktor vittorio
victoria vicky tori vic vikki viktoria wiktoria
vincent vince vinny vicente
vladimir vova volodya volodymyr wlodzimierz
walter wally walt
wilfred wilf
william bill billy will willie liam guillermo wilhelm willem guillaume willy
winifred winnie freda
yevgeniya zhenya evgenia
yusuf joseph yousef youssef yousuf yusif joe
zachary zac zach zack zakaria zakariya
`
