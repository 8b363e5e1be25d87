// Package verify checks a hub's database against its log, without trusting the
// code that wrote either (ACT-03, ACT-09): it has its own reading of the log's
// formats, of the records and of what acts come to, and asks nothing of a duty.
//
// It reads one snapshot, as each duty's own role, in transactions that cannot
// write. In this order it checks that
//
//   - every entry of the log stands in its tile, the tiles make the tree, and
//     every checkpoint is signed by the log's key over the tree of its size;
//   - every act and enquiry has one leaf, and every leaf its record;
//   - every record opens under the keys of its duty, or registrar, to what its commitment covers,
//     and what stands in clear beside it, decisions and disclosures among it,
//     says the same; or an act in the log says that its content was erased, and
//     it stands as that act left it;
//   - replaying the acts gives exactly the index: cells, correlations,
//     keep-aparts, disputes and rows.
//
// Each finding names a place. Without a duty's keys its records stay shut, and
// the result says so: what stands in clear is then believed, and compared with
// nothing but the log.
//
// It must never write, and never say what a record holds.
package verify
