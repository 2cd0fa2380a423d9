// The memory of this process that the kernel keeps in RAM.
#pragma once

namespace holdfast::os {

/// Gives the pages of the program's code and constants back: madvise(2), MADV_DONTNEED. The next use of a page reads it
/// from the program's file again, most often from the page cache. An idle supervisor uses few of them.
void release_read_only_memory() noexcept;

}  // namespace holdfast::os
