// What a file has besides its bytes: owner, group, mode, access control list and extended attributes.
#pragma once

namespace holdfast::os {

/// Gives the open file `to` all attributes of the open file `from`. False when one cannot be given.
[[nodiscard]] bool copy_attributes(int from, int to);

}  // namespace holdfast::os
