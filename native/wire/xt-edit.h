// Edits of a table of xtables legacy: rules put in and taken out.
#ifndef EGRESSD_WIRE_XT_EDIT_H_
#define EGRESSD_WIRE_XT_EDIT_H_

#include <span>
#include <string>

#include "wire/xt-rule.h"

namespace egressd::wire::xt {

enum class Change { kInsert, kAppend, kDelete };
struct Edit {
  Change change;
  std::string chain;
  Rule rule;
};
// Makes the edits in order. False where the table is in the end as it was. ENOENT where there is no such chain or no
// such rule: the table is then of no more use.
Result<bool> ApplyEdits(Table* table, std::span<const Edit> edits);

}  // namespace egressd::wire::xt

#endif  // EGRESSD_WIRE_XT_EDIT_H_
