package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/fame-hub/fame/registrar/match"
)

// The people in this file are drawn by lot. Their names are put together from
// lists that were written for it and that the product does not know; no name is
// meant to be anybody's.

// origin is where names come from: given names of women and men, and family names
// that are either listed or put together from beginnings and ends.
type origin struct {
	name        string
	women, men  []string
	family      []string
	start, end  []string
	twoFamilies bool   // bears two family names
	familyFirst bool   // often written first
	script      string // "cyrillic" or "greek": half of second observations are written so
	spelling    []string
}

func f(s string) []string { return strings.Fields(s) }

var origins = []origin{
	{name: "british", women: f("Olivia Amelia Isla Ava Lily Freya Florence Charlotte Sophie Emma Laura Karen Susan Margaret Jean Dorothy Helen Gemma Hayley Bethan Catriona Sinead"),
		men:    f("George Noah Arthur Harry Jack Charlie Thomas James William David Paul Mark Andrew Stephen Kevin Gary Alan Brian Craig Gareth Callum Declan"),
		family: f("Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke O'Neill McDonald"),
		start:  f("Ash Black Brad Cart Crom Dal East Fair Gold Har High Kirk Lang Marsh New Old Pem Rad Stan Thorn Wal West Whit Win"),
		end:    f("bourne bridge burn bury by combe croft dale den field ford gate ham land ley low more shaw stead ston ter thorpe ton wick wood worth")},
	{name: "arabic", women: f("Fatima Aisha Maryam Zainab Khadija Nour Layla Amina Hala Rania Samira Yasmin Huda Salma"),
		men:    f("Mohammed Ahmed Ali Omar Yusuf Ibrahim Khalid Hassan Hussein Mustafa Karim Tariq Bilal Abdullah Hamza"),
		family: f("Al-Hassan El-Sayed Khan Ali Hussain Mansour Haddad Khoury Saleh Nasser Aziz Rahman"),
		start:  f("Abu Bar Daw Fay Gha Ham Jab Kas Mah Naj Qas Ras Sha Taw Zay"), end: f("an awi di id im ir oub our rani sami wan zadeh"),
		spelling: []string{"Mohammed=Muhammad=Mohamed=Mohamad", "Yusuf=Youssef=Yousuf", "Hussein=Husain=Hussain", "Khadija=Khadeeja", "Aisha=Aysha=Ayesha", "Zainab=Zaynab", "Ahmed=Ahmad", "Omar=Umar", "Tariq=Tarek"}},
	{name: "south-asian", women: f("Priya Anjali Kavita Sunita Neha Pooja Deepa Lakshmi Meera Radha Harpreet Simran Nasreen Shabana"),
		men:    f("Raj Amit Sanjay Vikram Arjun Rohan Suresh Ramesh Anil Gurpreet Jaspal Imran Faisal Ravi Krishna"),
		family: f("Patel Singh Kaur Shah Kumar Sharma Begum Ahmed Gupta Reddy Iyer Nair Das Chowdhury"),
		start:  f("Bala Chandra Deva Guru Hari Jaya Maha Naga Prem Rama Sri Vijaya"), end: f("kar krishnan lingam murthy nath pillai prasad raju swamy wala yan"),
		spelling: []string{"Chowdhury=Choudhury=Chaudhry", "Lakshmi=Laxmi", "Deepa=Dipa", "Pooja=Puja"}},
	{name: "chinese", women: f("Xiuying Fang Na Min Jing Yan Xia Juan Li Hui Mei Ling Yu"), men: f("Wei Qiang Lei Jun Yang Yong Jie Tao Ming Chao Bo Hao Jian Zhiwei"),
		family: f("Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo"), familyFirst: true,
		spelling: []string{"Zhang=Chang", "Zhou=Chou", "Xu=Hsu", "Wang=Wong", "Chen=Chan", "Liu=Lau"}},
	{name: "vietnamese", women: f("Linh Huong Lan Mai Thuy Hoa Trang Ngoc Anh Phuong"), men: f("Minh Hung Tuan Dung Nam Duc Thanh Quang Long Hieu"),
		family: f("Nguyễn Trần Lê Phạm Hoàng Phan Vũ Đặng Bùi Đỗ Hồ Ngô"), familyFirst: true},
	{name: "slavic", women: f("Olena Natalia Svetlana Irina Tatiana Oksana Agnieszka Katarzyna Malgorzata Ewa Jana Milena"),
		men:   f("Oleksandr Dmitry Sergei Andriy Volodymyr Piotr Krzysztof Tomasz Marek Pavel Jiri Milan"),
		start: f("Bor Dob Grab Jan Kov Kraw Lew Mal Nov Petr Rad Sok Tom Vol Zel"), end: f("enko evic czyk ik in ov ova owski ska uk yk"), script: "cyrillic",
		spelling: []string{"Sergei=Serhiy=Sergey", "Dmitry=Dmytro=Dmitri", "Natalia=Nataliya=Natalja", "Oleksandr=Aleksandr=Alexander"}},
	{name: "greek", women: f("Eleni Maria Katerina Vasiliki Sofia Georgia Ioanna Despina"), men: f("Giorgos Dimitris Konstantinos Ioannis Nikos Panagiotis Vasilis Christos"),
		start: f("Papa Kara Chatzi Mav Stav Theod Anag Nikol"), end: f("dopoulos georgiou giannis idis akis atos ellis oglou rakis"), script: "greek"},
	{name: "hispanic", women: f("Lucia Carmen Pilar Dolores Isabel Beatriz Gabriela Valentina Ximena"), men: f("Jose Luis Carlos Javier Diego Alejandro Rodrigo Joaquin Andres"),
		family: f("Garcia Fernandez Gonzalez Rodriguez Lopez Martinez Sanchez Perez Gomez Silva Santos Oliveira Pereira Costa"), twoFamilies: true},
	{name: "west-african", women: f("Ngozi Chiamaka Adaeze Folasade Abena Akosua Fatoumata Aminata Yewande"), men: f("Chinedu Emeka Oluwaseun Babatunde Kwame Kofi Mamadou Ousmane Tunde"),
		family: f("Diallo Traore Mensah Owusu Okafor Adeyemi Balogun Eze Keita Boateng"), start: f("Ade Olu Oko Chuk Nwa Aki Ola Obi"), end: f("bayo dele gbenga kunle mide nkem nna seun wale yinka")},
}

// one is what is true of a person of the lot.
type one struct {
	record match.Record
	origin string
}

// town is where the people of the lot live: how many there are is all that it
// depends on.
type town struct{ size int }

func choose[T any](chance *rand.Rand, list []T) T { return list[chance.IntN(len(list))] }

// common draws from a list whose first are the most frequent.
func common(chance *rand.Rand, list []string) string {
	return list[min(chance.IntN(len(list)), chance.IntN(len(list)))]
}

func (o *origin) familyName(chance *rand.Rand) string {
	if len(o.start) > 0 && (len(o.family) == 0 || chance.IntN(10) < 6) {
		return choose(chance, o.start) + choose(chance, o.end)
	}
	return common(chance, o.family)
}

func (o *origin) given(chance *rand.Rand, woman bool) string {
	list := o.men
	if woman {
		list = o.women
	}
	name := common(chance, list)
	if chance.IntN(2) == 0 {
		name += " " + common(chance, list)
	}
	return name
}

// person is number i of the town: in half of the households four of a family
// (with twins in three of a hundred, and sons with the father's name), in the
// others people on their own.
func (t town) person(i int) one {
	const seed = 20261122
	home := rand.New(rand.NewPCG(seed, uint64(i/4)))
	self := rand.New(rand.NewPCG(seed+1, uint64(i)))
	o := &origins[min(home.IntN(len(origins)*2), home.IntN(len(origins)*2))%len(origins)]
	together := home.IntN(2) == 0
	familyName := o.familyName(home)
	if o.twoFamilies {
		familyName += " " + o.familyName(home)
	}
	parents := 1945 + home.IntN(45)
	children := parents + 20 + home.IntN(15)
	addressOf, member := home, i%4
	if !together {
		addressOf = self
		if !o.twoFamilies {
			familyName = o.familyName(self)
		}
	}
	address := t.address(addressOf)
	phone := fmt.Sprintf("07700 9%05d", addressOf.IntN(100000))
	father := o.given(home, false)
	firstDay, secondDay := home.IntN(365), home.IntN(365)
	twins, junior := home.IntN(100) < 6, home.IntN(100) < 10

	woman := member == 1 || member >= 2 && self.IntN(2) == 0
	given := o.given(self, woman)
	year, day := 1930+self.IntN(90), self.IntN(365)
	if together {
		switch {
		case member == 0:
			given, year, day = father, parents, firstDay
		case member == 1:
			year = parents + 1
		case member == 2 || twins:
			year, day = children, secondDay
			if member == 3 { // twins are not called alike
				given = strings.Replace(given, strings.Fields(t.person(i - 1).record.Names[0].Given)[0], "Robin", 1)
			}
			if junior && member == 2 && !woman {
				given = father
			}
		default:
			year = children + 2 + self.IntN(5)
		}
	} else if self.IntN(3) > 0 {
		phone = fmt.Sprintf("07700 9%05d", self.IntN(100000))
	}
	r := match.Record{
		Names: []match.Name{{Given: given, Family: familyName}}, Births: []match.Date{{Year: year, Month: 1 + day/31, Day: 1 + day%31%28}},
		Sex: "m", Addresses: []match.Address{address}, Phones: []string{phone},
		Identifiers: []match.Identifier{{Scheme: "number", Value: fmt.Sprintf("%010d", 4_000_000_000+uint64(i)*2654435761%5_999_999_999)}},
	}
	if woman {
		r.Sex = "f"
	}
	if self.IntN(2) == 0 {
		r.Emails = []string{strings.ToLower(strings.ReplaceAll(given, " ", "")) + fmt.Sprint(self.IntN(99)) + "@" + choose(self, f("example.org example.com post.example mail.example"))}
	}
	return one{r, o.name}
}

var towns = f("Ashby Barrow Calder Denholme Elland Farsley Garforth Horsforth Ilkley Keighley Lofthouse Morley Normanton Otley Pudsey Ripon Selby Thirsk Wetherby Yeadon")

// address is drawn so that some twenty homes share a postcode.
func (t town) address(chance *rand.Rand) match.Address {
	code := chance.IntN(max(1, t.size/50))
	street := rand.New(rand.NewPCG(7, uint64(code/2)))
	return match.Address{
		House:    fmt.Sprint(1 + chance.IntN(40)),
		Lines:    choose(street, origins[0].start) + choose(street, origins[0].end) + " " + choose(street, f("Street Road Avenue Close Lane Drive")),
		Locality: towns[code%len(towns)], Region: choose(street, f("North South East West")),
		Postcode: fmt.Sprintf("%c%c%d %d%c%c", 'A'+code%17, 'B'+code/17%19, 1+code/323%28, code/9044%10, 'A'+code%23, 'D'+code%21),
	}
}
