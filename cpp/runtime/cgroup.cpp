// Reads the files of control groups, version 1 and 2 (cgroup.h). Everything is optional: what is missing or odd is no
// limit, never an error.
//
// /proc/self/cgroup has a line "0::/a/b" for version 2 and "4:cpu,cpuacct:/a/b" for version 1. Groups nest, and each
// level may have a limit, so the way up to the root is climbed. Inside a container the group's path often does not
// exist below the root that is mounted there, and the root is the group itself. Version 2 says "max 100000" (no limit)
// or "150000 100000" in cpu.max: microseconds of processor time in each period. Version 1 has cpu.cfs_quota_us (-1: no
// limit) and cpu.cfs_period_us, in a folder named after all controllers that are mounted together or only "cpu".
#include "runtime/cgroup.h"

#include <fstream>

namespace linnet {
namespace {

// The numbers at the start of a file; false unless all are there.
bool read_number(const std::string& path, double& number) { return static_cast<bool>(std::ifstream(path) >> number); }

bool read_pair(const std::string& path, double& first, double& second) {
  return static_cast<bool>(std::ifstream(path) >> first >> second);
}

// read(folder) for the group `path` ("/a/b") below root, then for its parents, the root last.
template <class Read>
void climb(const std::string& root, std::string path, Read read) {
  while (!path.empty() && path != "/") {
    read(root + path);
    path.erase(path.rfind('/'));
  }
  read(root);
}

}  // namespace

double cgroup_quota(const std::string& groups_file, const std::string& root) {
  double smallest = 0;
  const auto consider = [&](double quota, double period) {
    if (quota > 0 && period > 0 && (smallest == 0 || quota / period < smallest)) smallest = quota / period;
  };
  const auto version_1 = [&](const std::string& folder) {
    double quota = 0, period = 0;
    if (read_number(folder + "/cpu.cfs_quota_us", quota) && read_number(folder + "/cpu.cfs_period_us", period)) {
      consider(quota, period);
    }
  };
  const auto version_2 = [&](const std::string& folder) {
    double quota = 0, period = 0;
    if (read_pair(folder + "/cpu.max", quota, period)) consider(quota, period);
  };
  std::ifstream groups(groups_file);
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || second + 1 == line.size() || line[second + 1] != '/') continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      climb(root, path, version_2);
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      climb(root + "/" + controllers, path, version_1);
      if (controllers != "cpu") climb(root + "/cpu", path, version_1);
    }
  }
  return smallest;
}

}  // namespace linnet
