package edgetest_test

import "slices"

// divided leaves an entry of two people that a keeper has divided.
func (b *bench) divided() {
	b.t.Helper()
	entry := b.ok(keeper, "POST", "/registrar/v1/registers/town/subjects", object{"items": []object{
		{"source": "person", "name": object{"whole": "Ivo Moor"}}, {"source": "document", "birth": object{"date": "1971-06-24"}}, {"source": "document", "birth": object{"date": "1998-12-03"}},
	}})["subject"].(string)
	b.ok(keeper, "POST", "/registrar/v1/registers/town/reports", object{"kind": "overlay", "subject": entry, "reason": "not-the-same-person"})
	for _, task := range b.ok(keeper, "GET", "/registrar/v1/registers/town/tasks?reason=working-with-person", nil)["tasks"].([]any) {
		task := task.(object)
		if task["kind"] == "overlay" && slices.Contains(task["subjects"].([]any), any(entry)) {
			b.ok(keeper, "POST", "/registrar/v1/registers/town/tasks/"+task["task"].(string)+"/resolutions", object{
				"outcome": "two-people", "items": []string{b.itemOf(entry, "birth")}, "reason": "not-the-same-person"})
		}
	}
}
