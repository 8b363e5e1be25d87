package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/gowebpki/jcs"

	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

// kind is one kind of record: where it stands, and what of it stands in clear.
type kind struct {
	name  string
	duty  string
	key   seal.KeyID // "" of a private record: its manager's
	table string
	id    string
	// clear is what stands in clear as JSON, with the record's own names for it.
	// What it says, the sealed record must say. A list is one without an order.
	clear string
	from  string // joined to the table as r
	// rest is what stands of one that was erased, as the act that erased it hashed it;
	// empty where nothing is erased.
	rest string
}

const of = "(select act_id, json_agg(%s) as list from %s group by act_id)"

// kinds are all records that leave a commitment.
var kinds = []kind{
	{
		name: "governance act", duty: "governance", key: "duty/governance/records", table: "governance.acts", id: "act_id",
		clear: `'act', r.act_id, 'kind', r.kind, 'at', r.at, 'practitioner', r.practitioner_id, 'agency', r.agency_id, 'role', r.role,
			'version', r.terms_version, 'applied', t.applied, 'document', t.document, 'applied_version', t.version, 'applied_at', t.applied_at`,
		from: `left join governance.terms t on t.act_id = r.act_id`,
	},
	{
		name: "consent act", duty: "consent", key: "duty/consent/records", table: "consent.acts", id: "act_id",
		clear: `'act', r.act_id, 'kind', r.kind, 'at', r.at, 'practitioner', r.practitioner_id, 'agency', r.agency_id, 'role', r.role,
			'terms_version', r.terms_version, 'made', (select json_agg(m.what) from (
			  select json_build_object('handle', c.handle_id, 'held', c.agency_id, 'consent', c.consent_id, 'evidence', c.evidence, 'at', c.starts_at,
			    'agreed', json_build_object('column', c.column_id, 'explicit', c.explicit, 'audience', json_build_object('kind', c.audience_kind,
			      'names', c.audience), 'purposes', c.purposes, 'aspects', c.aspects, 'until', c.ends_at, 'wording', c.wording, 'understanding', c.understanding,
			      'proxy', (select json_build_object('authority', p.authority, 'evidence', p.evidence, 'until', p.ends_at) from consent.proxies p where p.consent_id = c.consent_id),
			      'competence', (select json_build_object('presumed', k.presumed, 'assessed', k.assessed, 'from', k.presumed_from) from consent.competences k where k.consent_id = c.consent_id))) as what
			    from consent.consents c where c.act_id = r.act_id
			  union all select json_build_object('consent', w.consent_id, 'at', w.at, 'evidence', w.evidence) from consent.withdrawals w where w.act_id = r.act_id
			  union all select json_build_object('exclusion', x.exclusion_id, 'handle', x.handle_id, 'held', x.agency_id, 'excluded', x.excluded, 'at', x.starts_at, 'evidence', x.evidence)
			    from consent.exclusions x where x.act_id = r.act_id
			  union all select json_build_object('exclusion', i.exclusion_id, 'at', i.at, 'evidence', i.evidence) from consent.inclusions i where i.act_id = r.act_id
			  union all select json_build_object('block', b.block_id, 'handle', b.handle_id, 'held', b.agency_id, 'reach', b.reach, 'warning', b.warning, 'at', b.starts_at,
			    'evidence', b.evidence) from consent.blocks b where b.act_id = r.act_id
			  union all select json_build_object('block', u.block_id, 'at', u.at, 'evidence', u.evidence) from consent.unblocks u where u.act_id = r.act_id
			  union all select json_build_object('consent', v.consent_id, 'at', v.at, 'outcome', v.outcome, 'reason', v.reason) from consent.reviews v where v.act_id = r.act_id
			  union all select json_build_object('request', q.request_id, 'handle', q.handle_id, 'held', q.agency_id,
			    'agreed', json_build_object('column', q.column_id, 'explicit', q.explicit, 'audience', json_build_object('kind', q.audience_kind, 'names', q.audience),
			      'purposes', q.purposes, 'aspects', q.aspects, 'until', q.ends_at)) from consent.requests q where q.act_id = r.act_id
			  union all select json_build_object('request', a.request_id, 'at', a.at, 'answer', a.answer, 'reason', a.reason, 'consent', a.consent_id) from consent.answers a where a.act_id = r.act_id
			  union all select json_build_object('handle', z.handle_id, 'held', z.agency_id, 'reason', z.reason, 'erasure', json_build_object('column', z.column_id,
			    'obligation', z.obligation, 'complete_at', z.complete_at)) from consent.erasures z where z.act_id = r.act_id) m),
			'erases', (select json_build_object('leaves', count(*), 'digest', encode(sha256(string_agg(x.commitment || x.rest, ''::bytea order by x.commitment)), 'hex'))
			  from consent.erased x where x.act_id = r.act_id having count(*) > 0)`,
		rest: `to_jsonb(r), (select to_jsonb(c) from consent.consents c where c.act_id = r.act_id),
			(select jsonb_agg(to_jsonb(p)) from consent.proxies p join consent.consents c on c.consent_id = p.consent_id where c.act_id = r.act_id),
			(select jsonb_agg(to_jsonb(k)) from consent.competences k join consent.consents c on c.consent_id = k.consent_id where c.act_id = r.act_id),
			(select to_jsonb(w) from consent.withdrawals w where w.act_id = r.act_id), (select to_jsonb(v) from consent.reviews v where v.act_id = r.act_id),
			(select to_jsonb(x) from consent.exclusions x where x.act_id = r.act_id), (select to_jsonb(i) from consent.inclusions i where i.act_id = r.act_id),
			(select to_jsonb(b) from consent.blocks b where b.act_id = r.act_id), (select to_jsonb(u) from consent.unblocks u where u.act_id = r.act_id),
			(select to_jsonb(q) from consent.requests q where q.act_id = r.act_id), (select to_jsonb(a) from consent.answers a where a.act_id = r.act_id)`,
	},
	{
		name: "registrar act", duty: "registrar", key: "duty/registrar/records", table: "registrar.acts", id: "act_id",
		// An item is named by the hash of what is sealed: the person's key may be gone.
		clear: `'act', r.act_id, 'kind', r.kind, 'at', r.at, 'registrar', r.registrar, 'practitioner', r.practitioner_id, 'agency', r.agency_id,
			'role', r.role, 'by_subject', r.by_subject, 'terms_version', r.terms_version, 'deed', json_build_object(
			  'register', (select json_build_object('register', g.register_id, 'registrar', g.registrar, 'title', g.title, 'contact', g.contact,
			    'scope', g.scope, 'criterion', g.criterion, 'self_registered', g.self_registered, 'serves', g.serves,
			    'governance', json_build_object('overseer', g.overseer, 'inclusion', g.inclusion, 'appeal', g.appeal, 'review', g.review_on),
			    'levels', json_build_object('latency_ms', g.latency_ms, 'errors_per_mille', g.errors_per_mille, 'per_minute', g.per_minute))
			    from registrar.registers g where g.act_id = r.act_id),
			  'entered', (select json_agg(json_build_object('register', s.register_id, 'subject', s.subject_id)) from registrar.subjects s where s.act_id = r.act_id),
			  'named', (select json_agg(json_build_object('subject', e.subject_id, 'agency', e.agency_id, 'entry', e.entry)) from registrar.entries e where e.act_id = r.act_id),
			  'items', (select json_agg(json_build_object('item', i.item_id, 'subject', i.subject_id, 'kind', i.kind,
			    'sealed', encode(sha256(i.sealed), 'hex'))) from registrar.items i where i.act_id = r.act_id),
			  'reported', (select json_build_object('task', x.task_id, 'kind', x.kind, 'register', x.register_id, 'a', x.subject_a, 'b', x.subject_b,
			    'recognition', x.recognition_id) from registrar.tasks x where x.act_id = r.act_id),
			  'resolved', (select json_build_object('task', x.task_id, 'outcome', x.outcome, 'survivor', x.survivor) from registrar.resolutions x where x.act_id = r.act_id),
			  'reopens', (select json_agg(x.resolution_id) from registrar.reopenings x where x.act_id = r.act_id),
			  'shields', (select json_agg(x.subject_id) from registrar.shields x where x.act_id = r.act_id),
			  'unshields', (select json_agg(x.shield_id) from registrar.unshields x where x.act_id = r.act_id),
			  'item_checks', (select json_agg(json_build_object('check', x.check_id, 'item', x.item_id, 'against', x.against, 'outcome', x.outcome,
			    'rested_on', encode(x.rested_on, 'hex'))) from registrar.checks x where x.act_id = r.act_id),
			  'failed', (select json_agg(x.check_id) from registrar.failed_checks x where x.act_id = r.act_id),
			  'recognised', (select json_agg(json_build_object('recognition', x.recognition_id, 'register', x.register_id, 'subject', x.subject_id,
			    'outcome', x.outcome, 'confidence', x.confidence, 'model', x.model)) from registrar.recognitions x where x.act_id = r.act_id),
			  'assessed', (select json_build_object('subject', x.subject_id, 'competent', x.competent, 'until', x.ends_at) from registrar.assessments x where x.act_id = r.act_id),
			  'represented', (select json_build_object('subject', x.subject_id, 'representative', x.representative_id, 'authority', x.authority,
			    'evidence', x.evidence, 'scope', x.scope, 'until', x.ends_at) from registrar.representatives x where x.act_id = r.act_id),
			  'ends_representing', (select json_agg(x.represents) from registrar.representatives_ended x where x.act_id = r.act_id),
			  'common_asked', (select json_build_object('recognition', x.recognition_id, 'until', x.ends_at) from registrar.common_clients x where x.act_id = r.act_id),
			  'common_answered', (select json_build_object('asks', x.asks, 'recognition', x.recognition_id, 'same', x.same, 'agreement', x.agreement,
			    'powers', x.powers, 'purpose', x.purpose, 'aspects', x.aspects, 'statement', x.statement_id) from registrar.common_answers x where x.act_id = r.act_id),
			  'supersedes', (select json_agg(u.item_id) from registrar.superseded u where u.act_id = r.act_id),
			  'approved_import', (select json_build_object('register', x.register_id, 'people', x.people, 'until', x.ends_at) from registrar.import_approvals x where x.approval_id = r.act_id),
			  'imported', (select json_build_object('import', x.import_id, 'line', x.line, 'approval', i.approval_id)
			    from registrar.import_lines x left join registrar.imports i on i.import_id = x.import_id where x.act_id = r.act_id),
			  'set_apart', (select json_build_object('register', x.register_id, 'sealed', encode(sha256(x.sealed), 'hex')) from registrar.set_apart x where x.act_id = r.act_id),
			  'confirmed', (select json_build_object('record', x.set_apart_id, 'pairs', (select json_agg(encode(y.pair, 'hex')) from registrar.apart y where y.act_id = r.act_id))
			    from registrar.apart_confirmed x where x.act_id = r.act_id),
			  'covers', (select json_build_object('register', x.register_id, 'stand_in', x.stand_in, 'until', x.ends_at) from registrar.covers x where x.act_id = r.act_id),
			  'opens', (select x.set_apart_id from registrar.apart_opened x where x.act_id = r.act_id),
			  'code', (select json_build_object('code', c.code_id, 'subject', c.subject_id, 'until', c.ends_at) from registrar.enrolment_codes c where c.act_id = r.act_id),
			  'used', (select c.code_id from registrar.enrolment_codes_used c where c.act_id = r.act_id),
			  'account', (select json_build_object('account', o.account_id, 'subject', o.subject_id) from registrar.accounts o where o.act_id = r.act_id),
			  'enrolled', (select json_build_object('authenticator', n.authenticator_id, 'account', n.account_id, 'kind', n.kind,
			    'credential', encode(n.credential, 'hex'), 'public_key', encode(n.public_key, 'hex'), 'backup_eligible', n.backup_eligible)
			    from registrar.authenticators n where n.act_id = r.act_id),
			  'erased', (select json_agg(json_build_object('subject', x.subject_id, 'obligation', x.obligation, 'complete_at', x.complete_at)) from registrar.erasures x where x.act_id = r.act_id),
			  'erases', (select json_build_object('leaves', count(*), 'digest', encode(sha256(string_agg(x.commitment || x.rest, ''::bytea order by x.commitment)), 'hex'))
			    from registrar.erased x where x.act_id = r.act_id having count(*) > 0),
			  'revoked', (select x.authenticator_id from registrar.authenticators_revoked x where x.act_id = r.act_id))`,
		rest: `to_jsonb(r), (select jsonb_agg(to_jsonb(x) order by x.recognition_id) from registrar.recognitions x where x.act_id = r.act_id)`,
	},
	{
		name: "relmgr act", duty: "relmgr", key: "duty/relmgr/records", table: "relmgr.acts", id: "act_id",
		clear: `'act', r.act_id, 'kind', r.kind, 'at', r.at, 'practitioner', r.practitioner_id, 'agency', r.agency_id, 'role', r.role,
			'mode', r.mode, 'reason', r.reason, 'agreement', r.agreement, 'ground', r.ground, 'provider_role', r.provider_role,
			'terms_version', r.terms_version, 'handles', h.list, 'undoes', u.list, 'barred', b.list, 'confirms', c.confirms, 'decisions', d.list,
			'offers', o.list, 'pairing', p.act_id, 'own_pairing', po.act_id,
			'statement', json_build_object('registrar', st.registrar, 'id', st.statement_id, 'level', st.level, 'types', st.types), 'enquiry', q.enquiry_id, 'contact', coalesce(q.contact, y.contact), 'deliveries', l.list,
			'delivery', y.delivery_id, 'reply', y.reply, 'detriment', y.detriment, 'since', r.since, 'evidence', r.evidence,
			'allows', aa.approves, 'reviews', w.enquiry_id, 'cause', w.cause, 'outcome', coalesce(w.outcome, v.outcome, g.outcome), 'judges', g.list,
			'tells_of', t.tells_of, 'telling', json_build_object('risk', t.risk, 'review_by', t.review_by), 'told', t.told, 'objects_to', n.objects_to, 'rules_on', v.objection_id, 'moved', json_build_object('handle', m.handle_id, 'from', m.from_column,
			  'to', m.to_column, 'swapped', m.swapped),
			'approves', json_build_object('deed', f.deed, 'columns', f.columns, 'mode', f.mode, 'reason', f.reason, 'relationships', f.relationships,
			  'until', f.ends_at, 'proposal', f.proposal), 'approval', r.approval_id, 'import', i.import_id, 'line', i.line,
			'erasure', json_build_object('handle', z.handle_id, 'column', z.column_id, 'keeps', z.keeps, 'obligation', z.obligation, 'complete_at', z.complete_at),
			'erases', json_build_object('leaves', x.leaves, 'digest', x.digest)
			) || jsonb_build_object(
			'complaint', json_build_object('complaint', coalesce(cp.complaint_id, cs.complaint_id), 'agency', cp.agency_id, 'handle', cp.handle_id, 'about', cp.about,
			  'topic', cp.topic, 'acknowledge_by', cp.acknowledge_by, 'outcome', cs.outcome), 'silence', json_build_object('handle', hu.handle_id, 'risk', hu.risk, 'review_by', hu.review_by),
			'opens', json_build_object('handle', s.handle_id, 'decision', s.decision_id, 'agency', s.agency_id),
			'replied', json_build_object('reason', y.reason, 'decision', y.decision_id),
			'recognition', json_build_object('hash', encode(ru.recognition_hash, 'base64')),
			'anchor', case when an.anchor_id is not null then json_build_object('anchor', an.anchor_id, 'handle', an.handle_id, 'registrar', an.registrar, 'epoch', an.epoch,
			  'value', encode(an.value, 'base64')) end,
			'tie', case when ti.act_id is not null then json_build_object('hub', ti.hub, 'handle', ti.handle_id, 'decision', ti.decision_id) end`,
		from: `left join ` + fmt.Sprintf(of, "handle_id", "relmgr.act_handles") + ` h on h.act_id = r.act_id
			left join ` + fmt.Sprintf(of, "undoes", "relmgr.undoings") + ` u on u.act_id = r.act_id
			left join (select barred_in, json_agg(act_id) as list from relmgr.barred group by barred_in) b on b.barred_in = r.act_id
			left join relmgr.confirmations c on c.act_id = r.act_id
			left join relmgr.as_of_approvals aa on aa.act_id = r.act_id
			left join ` + fmt.Sprintf(of, `json_build_object('decision', v.decision_id, 'handle', v.handle_id, 'consents', v.consents, 'steps', v.steps,
			  'agreement', v.agreement, 'power', v.power, 'ground', v.ground, 'purposes', v.purposes, 'aspects', v.aspects,
			  'audience', json_build_object('kind', v.audience_kind, 'names', v.audience), 'until', v.until, 'terms_version', v.terms_version,
			  'profile', v.profile, 'mode', v.mode, 'aim', v.aim, 'review', v.review_at, 'detriment', v.detriment, 'order', v.order_kind,
			  'conditions', json_build_object('ordinary', v.ordinary, 'sensitive', v.sensitive), 'override', json_build_object('risk', v.risk, 'telling', v.telling),
			  'by', v.practitioner_id, 'of', v.agency_id, 'outcome', v.outcome, 'stopped_at', v.stopped_at)`,
			`(select x.*, (select json_agg(dc.consent_id) from relmgr.decision_consents dc where dc.decision_id = x.decision_id) as consents
			    from relmgr.decisions x) v`) + ` d on d.act_id = r.act_id
			left join ` + fmt.Sprintf(of, "json_build_object('kind', kind, 'transactions', transactions, 'contact', contact)", "relmgr.offers") + ` o on o.act_id = r.act_id
			left join (select s.act_id as used_in, g.act_id from relmgr.pairings_used s join relmgr.pairings g on g.pairing_id = s.pairing_id where not s.own) p on p.used_in = r.act_id
			left join (select s.act_id as used_in, g.act_id from relmgr.pairings_used s join relmgr.pairings g on g.pairing_id = s.pairing_id where s.own) po on po.used_in = r.act_id
			left join relmgr.statements st on st.act_id = r.act_id
			left join relmgr.pairings s on s.act_id = r.act_id
			left join relmgr.contact_requests q on q.act_id = r.act_id
			left join ` + fmt.Sprintf(of, "json_build_object('delivery', delivery_id, 'handle', handle_id, 'column', column_id, 'agency', agency_id, 'at', deliver_at, 'due', due_at)", "relmgr.deliveries") + ` l on l.act_id = r.act_id
			left join relmgr.replies y on y.act_id = r.act_id
			left join (select i.act_id, i.outcome, e.enquiry_id, e.cause from relmgr.review_outcomes i join relmgr.reviews e on e.review_id = i.review_id) w on w.act_id = r.act_id
			left join relmgr.moves m on m.act_id = r.act_id
			left join relmgr.tellings t on t.act_id = r.act_id
			left join relmgr.objections n on n.act_id = r.act_id
			left join relmgr.rulings v on v.act_id = r.act_id
			left join (select act_id, min(outcome) as outcome, json_agg(decision_id) as list from relmgr.override_outcomes group by act_id) g on g.act_id = r.act_id
			left join relmgr.approvals f on f.approval_id = r.act_id
			left join relmgr.recognitions_used ru on ru.record_id = r.act_id
			left join relmgr.attachments ta on ta.act_id = r.act_id
			left join relmgr.anchors an on an.anchor_id = ta.anchor_id
			left join relmgr.ties ti on ti.act_id = r.act_id
			left join relmgr.silences hu on hu.act_id = r.act_id
			left join relmgr.complaints cp on cp.act_id = r.act_id
			left join relmgr.complaint_steps cs on cs.act_id = r.act_id
			left join relmgr.import_lines i on i.act_id = r.act_id
			left join relmgr.erasures z on z.act_id = r.act_id
			left join (select act_id, count(*) as leaves, encode(sha256(string_agg(commitment || rest, ''::bytea order by commitment)), 'hex') as digest
			  from relmgr.erased group by act_id) x on x.act_id = r.act_id`,
		rest: `to_jsonb(r), null, null, (select jsonb_agg(i.handle_id order by i.handle_id) from relmgr.act_handles i where i.act_id = r.act_id),
			(select jsonb_agg(i.undoes order by i.undoes) from relmgr.undoings i where i.act_id = r.act_id),
			(select jsonb_agg(to_jsonb(i) order by i.decision_id) from relmgr.decisions i where i.act_id = r.act_id),
			(select jsonb_agg(c.consent_id order by c.decision_id, c.consent_id) from relmgr.decision_consents c
			   join relmgr.decisions i on i.decision_id = c.decision_id where i.act_id = r.act_id)`,
	},
	{
		name: "enquiry", duty: "relmgr", key: "duty/relmgr/records", table: "relmgr.enquiries", id: "enquiry_id",
		clear: `'enquiry', r.enquiry_id, 'at', r.at, 'practitioner', r.practitioner_id, 'agency', r.agency_id, 'column', r.column_id,
			'handle', r.handle_id, 'purpose', r.purpose, 'reason', r.reason, 'concerning', r.concerning, 'transaction', r.transaction,
			'emergency', r.emergency, 'reads', r.reads, 'recognition', json_build_object('outcome', nullif(r.recognition, 'used'),
			  'hash', encode(ru.recognition_hash, 'base64'), 'used', r.recognition is not distinct from 'used'), 'disclosed', d.list, 'retracted', rt.list, 'peer', json_build_object('hub', r.peer, 'outcome', r.peer_outcome, 'hash', encode(pr.request_hash, 'base64')), 'decision', json_build_object('terms_version', r.terms_version, 'role', r.role, 'stopped_at', r.stopped_at)`,
		from: `left join (select enquiry_id, json_agg(json_build_object('handle', handle_id, 'decision', decision_id)) as list
			  from relmgr.disclosures group by enquiry_id) d on d.enquiry_id = r.enquiry_id
			left join (select enquiry_id, json_agg(json_build_object('handle', handle_id, 'decision', decision_id)) as list
			  from relmgr.retractions group by enquiry_id) rt on rt.enquiry_id = r.enquiry_id
			left join relmgr.recognitions_used ru on ru.record_id = r.enquiry_id
			left join relmgr.peer_requests pr on pr.enquiry_id = r.enquiry_id`,
		rest: `null, to_jsonb(r), null, null, null, null, null`,
	},
	{
		name: "private record", duty: "idmgr", table: "idmgr.records", id: "record_id",
		clear: `'act', r.record_id, 'erases', (select json_build_object('leaves', count(*), 'digest', encode(sha256(string_agg(x.commitment || x.rest, ''::bytea order by x.commitment)), 'hex'))
			  from idmgr.erased x where x.act_id = r.record_id having count(*) > 0)`,
		rest: `to_jsonb(r) - 'position', null, null, null`,
	},
	{
		name: "manager's act", duty: "idmgr", table: "idmgr.acts", id: "act_id",
		clear: `'act', r.act_id, 'kind', r.kind, 'at', r.at, 'manager', r.manager, 'practitioner', r.practitioner_id, 'agency', r.agency_id, 'role', r.role,
			'terms_version', r.terms_version, 'version', coalesce(rs.version, av.version, ef.version),
			'rules', (select json_agg(json_build_object('rule', u.rule, 'withhold', case u.kind when 'withhold' then to_json(true) when 'grant' then to_json(false) else to_json(u.kind) end, 'audience', json_build_object('kind', u.audience_kind, 'names', u.audience),
			    'purposes', u.purposes, 'reasons', u.reasons, 'authority', u.authority, 'until', u.until))
			  from idmgr.rules u where u.manager = rs.manager and u.version = rs.version),
			'effect', case when ef.act_id is not null then json_build_object('effect', ef.effect_id, 'handle', ef.handle_id, 'column', ef.column_id, 'rule', ef.rule,
			    'starts', ef.starts_at, 'ends', ef.ends_at, 'evidence', ef.evidence, 'token', encode(ef.token_hash, 'base64'))
			  when wi.act_id is not null then json_build_object('effect', wi.effect_id) end,
			'decision', case when ef.kind = 'grant' then json_build_object('agreement', ef.agreement, 'power', ef.power, 'ground', ef.ground, 'mode', ef.mode, 'aspects', ef.aspects,
			    'conditions', json_build_object('ordinary', ef.ordinary, 'sensitive', ef.sensitive), 'review', ef.review_at, 'purposes', ef.purposes,
			    'audience', json_build_object('kind', ef.audience_kind, 'names', ef.audience)) end,
			'case', case when st.act_id is not null then json_build_object('case', st.case_id, 'ordinal', st.ordinal, 'level', st.level, 'due', st.due_at, 'outcome', st.outcome,
			    'source', ca.source, 'source_id', ca.source_id, 'against', ca.against, 'agencies', ca.agencies, 'reason', st.reason) end,
			'erases', (select json_build_object('leaves', count(*), 'digest', encode(sha256(string_agg(x.commitment || x.rest, ''::bytea order by x.commitment)), 'hex'))
			  from idmgr.erased x where x.act_id = r.act_id having count(*) > 0)`,
		rest: `null, to_jsonb(r), to_jsonb(st), to_jsonb(ca)`,
		from: `left join idmgr.rule_sets rs on rs.act_id = r.act_id
			left join idmgr.activations av on av.act_id = r.act_id
			left join idmgr.effects ef on ef.act_id = r.act_id
			left join idmgr.withdrawals wi on wi.act_id = r.act_id
			left join idmgr.case_steps st on st.act_id = r.act_id
			left join idmgr.cases ca on ca.case_id = st.case_id and st.ordinal = 0`,
	},
	{
		name: "federation act", duty: "federation", key: "duty/federation/records", table: "federation.acts", id: "act_id",
		clear: `'act', r.act_id, 'kind', r.kind, 'at', r.at, 'practitioner', r.practitioner_id, 'agency', r.agency_id, 'role', r.role,
			'terms_version', r.terms_version, 'peer', (select json_build_object('peer', p.peer_id, 'entity', p.entity_id, 'ordinal', p.ordinal, 'step', p.step,
			  'agreement', encode(p.agreement, 'hex'), 'document', case when p.step = 'invite' then a.document end, 'keys', p.keys)
			  from federation.peers p left join federation.agreements a on a.digest = p.agreement where p.act_id = r.act_id),
			'registrar', (select json_build_object('registrar', g.registrar, 'ordinal', g.ordinal, 'step', g.step, 'terms', g.terms, 'quality', g.quality)
			  from federation.registrars g where g.act_id = r.act_id),
			'mark', (select json_build_object('mark', m.mark_id, 'step', m.step, 'kind', m.kind, 'subject', m.subject, 'expires', m.expires_at) from federation.marks m where m.act_id = r.act_id),
			'dispute', (select json_build_object('dispute', d.dispute_id, 'hub', d.hub, 'filed', d.filed, 'about', d.about, 'message', encode(d.message_hash, 'base64'),
			  'reason', d.reason, 'at', d.filed_at, 'due', d.due_at) from federation.disputes d where d.act_id = r.act_id),
			'dispute_end', (select json_build_object('dispute', d.dispute_id, 'outcome', d.outcome, 'reason', d.reason) from federation.dispute_ends d where d.act_id = r.act_id)`,
	},
	{
		name: "line of the book of exchanges", duty: "federation", key: "duty/federation/records", table: "federation.book", id: "record_id",
		clear: `'record', r.record_id, 'at', r.at, 'outgoing', case when r.outgoing then to_jsonb(true) else to_jsonb(false) end, 'exchanges', (select json_agg(json_build_object('exchange', e.exchange_id, 'hub', e.hub, 'kind', e.kind, 'request', e.request,
			  'message', encode(e.message_hash, 'base64'), 'outcome', e.outcome, 'commitment', encode(e.commitment, 'base64')))
			  from federation.exchanges e where e.record_id = r.record_id and e.at = r.at and e.outgoing = r.outgoing)`,
	},
	{
		// Of before such messages had a record there is no leaf; a leaf whose record was taken out is found.
		name: "message that was not understood", duty: "federation", key: "duty/federation/records", table: "(select * from federation.unknown_messages where commitment is not null)", id: "record_id",
		clear: `'record', r.record_id, 'at', r.at, 'hub', r.hub, 'kind', r.kind, 'version', r.version, 'message', encode(r.message_hash, 'base64'), 'became', r.became,
			'sent_to', r.sent_to, 'case', r.case_id, 'origin', r.origin, 'sender', r.sender, 'hops', r.hops, 'due', r.due_at`,
	},
	{
		name: "declaration", duty: "relmgr", key: "duty/relmgr/records", table: "relmgr.declarations", id: "declaration_id",
		clear: `'declaration', r.declaration_id, 'at', r.at, 'practitioner', r.practitioner_id, 'agency', r.agency_id, 'role', r.role,
			'terms_version', r.terms_version, 'ends', r.ends`,
		rest: `null, null, to_jsonb(r), null, null, null, null`,
	},
}

func (v *verification) tx(duty string) *sql.Tx {
	return map[string]*sql.Tx{"governance": v.governance, "relmgr": v.relmgr, "consent": v.consent, "registrar": v.registrar, "idmgr": v.idmgr, "federation": v.federation}[duty]
}

func (v *verification) keys(duty string) seal.Provider {
	return map[string]seal.Provider{"governance": v.hub.Governance.Keys, "relmgr": v.hub.Relmgr.Keys, "consent": v.hub.Consent.Keys, "idmgr": v.hub.Idmgr.Keys, "federation": v.hub.Federation.Keys}[duty]
}

// stored is a record as it stands in the database.
type stored struct {
	id                          ident.UntypedID
	commitment, sealed, wrapped []byte
	clear                       []byte
	// Of one that an act erased: what that act left of it, and what stands now.
	left, stands []byte
}

// checkRecords opens every record, and compares.
func (v *verification) checkRecords(ctx context.Context) error {
	if err := v.findRegistrars(ctx); err != nil {
		return err
	}
	for _, duty := range []string{"governance", "consent", "registrar", "relmgr", "idmgr", "federation"} {
		if duty != "registrar" && v.keys(duty) == nil {
			v.Unopened = append(v.Unopened, duty)
		}
		if err := v.checkContentKeys(ctx, duty); err != nil {
			return err
		}
	}
	if err := v.checkImportLines(ctx); err != nil {
		return err
	}
	if err := v.checkErasedPeople(ctx); err != nil {
		return err
	}
	if err := v.checkEffects(ctx); err != nil {
		return err
	}
	if err := v.checkHandover(ctx); err != nil {
		return err
	}
	if err := v.checkBook(ctx); err != nil {
		return err
	}
	managers, err := all(ctx, v.idmgr, "select count(*) from idmgr.key_checks", func(r *sql.Rows, n *int) error { return r.Scan(n) })
	if err != nil {
		return err
	}
	v.managers = managers[0]
	for i, k := range kinds {
		erased, from := "null::bytea, null::bytea", k.from
		if k.rest != "" {
			erased = "gone.rest, case when gone.rest is not null then sha256(convert_to(jsonb_strip_nulls(jsonb_build_array(" + k.rest + "))::text, 'UTF8')) end"
			from += " left join " + k.duty + ".erased gone on gone.commitment = r.commitment"
		}
		rows, err := open(ctx, v.tx(k.duty), fmt.Sprintf("contents_%d", i),
			"select r."+k.id+", r.commitment, r.sealed, k.wrapped, jsonb_build_object("+k.clear+"), "+erased+" from "+k.table+" r left join "+
				k.duty+".content_keys k on k.record_id = r."+k.id+" "+from,
			func(r *sql.Rows, to *stored) error {
				return r.Scan(&to.id, &to.commitment, &to.sealed, &to.wrapped, &to.clear, &to.left, &to.stands)
			})
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		for {
			s, err := rows.take(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			if s == nil {
				break
			}
			if err := v.checkRecord(ctx, k, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// findRegistrars learns whom the partnership document has named a registrar, and says
// whose records stay shut.
func (v *verification) findRegistrars(ctx context.Context) error {
	v.registrars = map[string]bool{}
	text := func(r *sql.Rows, code *string) error { return r.Scan(code) }
	named, err := all(ctx, v.governance, "select distinct jsonb_path_query(document, '$.registrars[*].code') #>> '{}' from governance.terms", text)
	if err != nil {
		return err
	}
	for _, code := range named {
		v.registrars[code] = true
	}
	acted, err := all(ctx, v.registrar, "select distinct registrar from registrar.acts order by 1", text)
	if err != nil {
		return err
	}
	for _, code := range acted {
		if v.registrars[code] && v.hub.Registrars[code] == nil {
			v.Unopened = append(v.Unopened, "registrar "+code)
		}
	}
	return nil
}

// registrarKeys are the keys of the registrar that an act names, none where they are not
// at hand. Whoever wrote another registrar's code over it is found out by that one's.
func (v *verification) registrarKeys(ctx context.Context, k kind, s *stored) (seal.Provider, error) {
	var whose struct{ Registrar string }
	if err := json.Unmarshal(s.clear, &whose); err != nil {
		return nil, err
	}
	if keys := v.hub.Registrars[whose.Registrar]; keys != nil {
		return keys, nil
	}
	for _, keys := range v.hub.Registrars {
		if _, _, err := seal.OpenRecord(ctx, keys, k.key, s.id, seal.Record{Wrapped: s.wrapped, Body: s.sealed}); err == nil {
			return keys, nil
		}
	}
	if !v.registrars[whose.Registrar] {
		return nil, v.found(k.name+" "+s.id.String(), "it names a registrar that the partnership document never had")
	}
	return nil, nil
}

// checkImportLines names lines of an import that is none: a line that made no act
// left no record of its own.
func (v *verification) checkImportLines(ctx context.Context) error {
	for _, duty := range []string{"relmgr", "registrar"} {
		orphans, err := all(ctx, v.tx(duty), `select l.line from `+duty+`.import_lines l
			where not exists (select from `+duty+`.imports i where i.import_id = l.import_id) order by 1`, func(r *sql.Rows, n *int) error { return r.Scan(n) })
		if err != nil {
			return err
		}
		for _, n := range orphans {
			if err := v.found(fmt.Sprintf("import line %d", n), "it belongs to no import: its import's id was altered, or the import removed"); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkContentKeys names keys, and erased leaves, that belong to no record.
func (v *verification) checkContentKeys(ctx context.Context, duty string) error {
	query, leaves := "select k.record_id from "+duty+".content_keys k where true", ""
	for _, k := range kinds {
		if k.duty != duty {
			continue
		}
		query += " and not exists (select from " + k.table + " r where r." + k.id + " = k.record_id)"
		if k.rest != "" {
			leaves += " and not exists (select from " + k.table + " r where r.commitment = gone.commitment)"
		}
	}
	if leaves != "" {
		none, err := all(ctx, v.tx(duty), "select encode(gone.commitment, 'hex') from "+duty+".erased gone where true"+leaves+" order by 1",
			func(r *sql.Rows, leaf *string) error { return r.Scan(leaf) })
		if err != nil {
			return err
		}
		for _, leaf := range none {
			if err := v.found("erased leaf "+leaf, "no record has it: one was removed or altered"); err != nil {
				return err
			}
		}
	}
	orphans, err := all(ctx, v.tx(duty), query+" order by 1", func(r *sql.Rows, id *ident.UntypedID) error { return r.Scan(id) })
	if err != nil {
		return err
	}
	for _, id := range orphans {
		if err := v.found(duty+" content key "+id.String(), "no record has it: one was removed, or its id altered"); err != nil {
			return err
		}
	}
	return nil
}

// checkRecord opens one record and compares it with its commitment and with
// what stands in clear.
func (v *verification) checkRecord(ctx context.Context, k kind, s *stored) error {
	place := k.name + " " + s.id.String()
	switch {
	case s.wrapped == nil && s.left == nil:
		return v.found(place, "the key of its content is gone, and no act erased it")
	case s.left != nil && s.wrapped != nil:
		return v.found(place, "an act erased its content, and the key is still there")
	case s.left != nil && !bytes.Equal(s.left, s.stands):
		return v.found(place, "its content was erased, and what stands is no longer what was left of it")
	case s.left != nil:
		v.Erased++
		return nil
	}
	keys := v.keys(k.duty)
	if k.duty == "registrar" {
		var err error
		if keys, err = v.registrarKeys(ctx, k, s); err != nil || keys == nil {
			return err
		}
	}
	if keys == nil {
		return nil
	}
	key := k.key
	if key == "" {
		key = seal.KeyID("manager/" + v.hub.Manager + "/records")
	}
	salt, body, err := seal.OpenRecord(ctx, keys, key, s.id, seal.Record{Wrapped: s.wrapped, Body: s.sealed})
	var whose struct{ Manager string } // of what a manager publishes
	if err := json.Unmarshal(s.clear, &whose); err != nil {
		return err
	}
	if err != nil && k.key == "" && v.managers > 1 && whose.Manager != v.hub.Manager {
		v.Shut++ // another manager's, or altered: their own fame verify tells
		return nil
	}
	if err != nil {
		return v.found(place, "its sealed copy does not open: it, its key or its id was altered")
	}
	v.Opened++
	sum := sha256.New()
	sum.Write([]byte("fame leaf v1\n"))
	sum.Write(salt[:])
	sum.Write(body)
	if !bytes.Equal(sum.Sum(nil), s.commitment) {
		return v.found(place, "its sealed copy is not what its commitment covers")
	}
	var said, clear map[string]any
	if err := decode(body, &said); err != nil {
		return v.found(place, "its sealed copy is not JSON")
	}
	if err := decode(s.clear, &clear); err != nil {
		return err
	}
	if err := amend(said, clear); err != nil {
		return v.found(place, "%v", err)
	}
	if err := advance(ctx, keys, said, clear); err != nil {
		return err
	}
	if at := differ(clear, said); at != "" {
		return v.found(place, "what stands in clear is not what was recorded: %s", at[1:])
	}
	return nil
}

func decode(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(into)
}

// amend adds to what a record says what follows from it, and takes apart what
// in clear stands in several tables.
func amend(said, clear map[string]any) error {
	if said["reads"] != nil { // of a read of what is recorded: about nobody in particular, unless it says
		if said["concerning"] == nil {
			said["concerning"] = "not-known"
		}
		said["decision"] = map[string]any{"terms_version": said["terms_version"], "role": said["role"]}
	}
	if r, ok := said["recognition"].(map[string]any); ok {
		r["used"] = !empty(r["hash"])
	}
	if d, ok := said["decision"].(map[string]any); ok { // of an enquiry
		stopped(d)
		if d["role"] == "" { // no role let them ask: the record says which of theirs stands there
			d["role"] = said["role"]
		}
		if c, ok := clear["decision"].(map[string]any); ok && d["role"] == nil {
			delete(c, "role") // of before the record said so
		}
	}
	list, _ := said["decisions"].([]any)
	for _, d := range list {
		if d, ok := d.(map[string]any); ok {
			stopped(d)
			d["by"], d["of"] = said["practitioner"], said["agency"]
			d["outcome"] = "permitted"
			if d["stopped_at"] != nil { // what it named may be anything, and stands in the record alone
				d["outcome"], d["conditions"], d["override"] = "refused", nil, nil
			}
			if d["review"] == nil {
				d["review"] = d["until"]
			}
			if d["mode"] == nil { // before schema 11 a decision did not say: this is what it was given then
				switch {
				case said["mode"] != nil:
					d["mode"] = said["mode"]
				case d["ground"] == "explicit-consent" || d["ground"] == "implied-consent":
					d["mode"] = "supplier-with-consent"
				default:
					d["mode"] = "imposed"
				}
			}
		}
	}
	if telling, ok := said["telling"].(map[string]any); ok {
		said["told"] = empty(telling["risk"])
		if said["tells_of"] == nil {
			said["tells_of"] = said["act"]
		}
	}
	decided := map[string]any{}
	if len(list) > 0 {
		decided, _ = list[0].(map[string]any)
	}
	switch said["kind"] {
	case "pair":
		said["opens"] = map[string]any{"handle": decided["handle"], "decision": decided["decision"], "agency": said["agency"]}
	case "tie":
		if t, ok := said["tie"].(map[string]any); ok && clear["tie"] != nil {
			t["handle"], t["decision"] = decided["handle"], decided["decision"]
		} else {
			delete(clear, "tie") // gone with its handle, or the replay finds it missing
		}
	case "reply":
		said["replied"] = map[string]any{"reason": said["reason"], "decision": decided["decision"]}
	}
	if _, ok := clear["made"]; ok {
		if err := made(said, clear); err != nil {
			return err
		}
	}
	if _, ok := clear["applied"]; ok {
		return terms(said, clear)
	}
	return nil
}

// advance brings the anchor that an act attached to the key that it stands under
// now. One that is gone was erased with its handle, or the replay finds it missing.
func advance(ctx context.Context, keys seal.Provider, said, clear map[string]any) error {
	then, _ := said["anchor"].(map[string]any)
	now, _ := clear["anchor"].(map[string]any)
	if now == nil {
		delete(clear, "anchor")
	}
	if then == nil || now == nil {
		return nil
	}
	if handles, _ := said["handles"].([]any); len(handles) == 1 {
		then["handle"] = handles[0]
	}
	from, err := strconv.Atoi(fmt.Sprint(then["epoch"]))
	if err != nil {
		return nil
	}
	to, err := strconv.Atoi(fmt.Sprint(now["epoch"]))
	if err != nil || to < from || to > from+10_000 {
		return nil
	}
	text, _ := then["value"].(string)
	value, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	for ; from < to; from++ {
		sum, err := keys.MAC(ctx, seal.KeyID("duty/relmgr/anchors/"+strconv.Itoa(from+1)), value)
		if errors.Is(err, seal.ErrNoKey) {
			return nil // of an epoch that never was
		} else if err != nil {
			return err
		}
		value = sum[:]
	}
	then["epoch"], then["value"] = now["epoch"], base64.StdEncoding.EncodeToString(value)
	return nil
}

// terms compares the version of the terms that an act of governance made: the
// document as applied with the hash in the record, and what the duties read
// with what follows from the document.
func terms(said, clear map[string]any) error {
	applied := clear["applied"]
	delete(clear, "applied")
	if makes := said["kind"] == "initialise" || said["kind"] == "apply"; makes != (applied != nil) {
		return errors.New("it made a version of the terms that is not there, or the other way round")
	} else if !makes {
		return nil
	}
	text, err := json.Marshal(applied)
	if err != nil {
		return err
	}
	canonical, err := jcs.Transform(text)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(canonical)
	clear["content"] = map[string]any{"document": hex.EncodeToString(sum[:])}
	said["applied_version"], said["applied_at"] = said["version"], said["at"]
	number, _ := said["version"].(json.Number)
	version, err := number.Int64()
	if err != nil {
		return errors.New("its version is no number")
	}
	var d partnership.Document
	if err := json.Unmarshal(text, &d); err != nil {
		return errors.New("the document as applied is not one")
	}
	if text, err = json.Marshal(d.Terms(version)); err != nil {
		return err
	}
	var follows any
	if err := decode(text, &follows); err != nil {
		return err
	}
	if err := asEarlier(follows, clear["document"], applied); err != nil {
		return err
	}
	if at := differ(follows, clear["document"]); at != "" { // nothing may be left out of it either
		return fmt.Errorf("the duties read other terms than were applied: %s", at[1:])
	}
	said["document"] = follows
	return nil
}

// earlierProfiles are the law profiles of earlier releases: SHA-256 of the
// canonical JSON, and the last schema that had them. A release that changes a
// profile adds what it was.
var earlierProfiles = map[string]int{
	"4b917608b418c63509d4fa5f7646993e6ca1d09515c5961ecb654c1c99681c3b": 10, // uk-current
	"6bbdd9f3ba1646d6221d18e2d8e75a998174a84990750da847023eb2072046fb": 10, // seed-2006
}

// asEarlier has terms that were applied under an earlier release's law profile
// follow as they did then: with that profile, and without the settings that the
// document does not name and only this release fills in.
func asEarlier(follows, read, applied any) error {
	f, _ := follows.(map[string]any)
	r, _ := read.(map[string]any)
	if f == nil || r == nil {
		return nil
	}
	text, err := json.Marshal(r["profile"])
	if err != nil {
		return err
	}
	canonical, err := jcs.Transform(text)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(canonical)
	if earlierProfiles[hex.EncodeToString(sum[:])] == 0 {
		return nil
	}
	f["profile"] = r["profile"]
	document, _ := applied.(map[string]any)
	named, _ := document["settings"].(map[string]any)
	have, _ := r["settings"].(map[string]any)
	filled, _ := f["settings"].(map[string]any)
	for name := range filled {
		if named[name] == nil && have[name] == nil {
			delete(filled, name)
		}
	}
	return nil
}

// answers are what an act of consent answers a request with.
var answers = map[any]string{"capture": "given", "refuse": "refused", "not-asked": "not-asked"}

// made compares the rows that an act of consent made: each says what the record
// says, and there is one, or two for a consent that was asked for.
func made(said, clear map[string]any) error {
	rows, _ := clear["made"].([]any)
	delete(clear, "made")
	want := 1
	if answer := answers[said["kind"]]; said["request"] != nil && answer != "" {
		said["answer"] = answer
		if answer == "given" {
			want = 2
		}
	}
	if said["kind"] == "expire" { // what it did stands in erased
		want = 0
	}
	if len(rows) != want {
		return fmt.Errorf("it made %d rows, and %d are there", want, len(rows))
	}
	for _, row := range rows {
		if at := differ(row, said); at != "" {
			return fmt.Errorf("what stands in clear is not what was recorded: %s", at[1:])
		}
	}
	return nil
}

// stopped adds at which step a decision stopped.
func stopped(decision map[string]any) {
	steps, _ := decision["steps"].([]any)
	for _, s := range steps {
		if s, ok := s.(map[string]any); ok && s["answer"] == "failed" {
			decision["stopped_at"] = s["step"]
			return
		}
	}
}

// differ says where clear says something that said does not, "" for nowhere.
// What clear has no member for is not compared; nothing, an empty text, an
// empty list, the id of nothing and no are one.
func differ(clear, said any) string {
	if empty(clear) && empty(said) {
		return ""
	}
	switch c := clear.(type) {
	case map[string]any:
		s, ok := said.(map[string]any)
		if !ok {
			return "."
		}
		names := make([]string, 0, len(c))
		for name := range c {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			if at := differ(c[name], s[name]); at != "" {
				return "." + name + trim(at)
			}
		}
		return ""
	case []any:
		s, ok := said.([]any)
		if !ok || len(c) != len(s) {
			return "."
		}
		used := make([]bool, len(s))
		for _, element := range c {
			at := "."
			for i := range s {
				if used[i] {
					continue
				}
				if at = differ(element, s[i]); at == "" {
					used[i] = true
					break
				}
			}
			if at != "" {
				return at
			}
		}
		return ""
	case string:
		s, ok := said.(string)
		if ok && (c == s || sameInstant(c, s)) {
			return ""
		}
	case json.Number:
		if s, ok := said.(json.Number); ok && c.String() == s.String() {
			return ""
		}
	default:
		if clear == said {
			return ""
		}
	}
	return "."
}

func trim(at string) string {
	if at == "." {
		return ""
	}
	return at
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == "" || v == id{}.String()
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, member := range v {
			if !empty(member) {
				return false
			}
		}
		return true
	}
	return false
}

func sameInstant(a, b string) bool {
	x, err := time.Parse(time.RFC3339Nano, a)
	y, err2 := time.Parse(time.RFC3339Nano, b)
	return err == nil && err2 == nil && x.Equal(y)
}
