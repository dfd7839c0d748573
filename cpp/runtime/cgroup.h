// How many processors the control groups of this process (a container's limit, for instance) let it use.
#pragma once
#include <string>

namespace linnet {

// The smallest quota between the process's control group and the root, in processors; 0 when there is none. The paths
// are arguments so that a test can bring its own files.
double cgroup_quota(const std::string& groups_file = "/proc/self/cgroup", const std::string& root = "/sys/fs/cgroup");

}  // namespace linnet
