// The duties of a container's first process, pid 1: init(8) has them elsewhere.
#pragma once

namespace holdfast::os {

/// If this process has pid 1, forks, and returns in the child only. The parent reaps every process whose parent ended,
/// passes signals on to the child, ends all processes when the child has ended, and exits with its exit status. Does
/// nothing in any other process. Call it before the first thread is started.
void serve_as_first_process();

}  // namespace holdfast::os
