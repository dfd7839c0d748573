// Quotas of control groups, from files of the test's own; and what the default number of threads makes of them.
#include "runtime/cgroup.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>

#include "runtime/cpu.h"
#include "runtime/threads.h"

namespace fs = std::filesystem;

namespace {

// A folder that plays / for one test: "proc" is /proc/self/cgroup, "sys" is /sys/fs/cgroup.
class Machine {
 public:
  Machine(const std::string& groups, std::initializer_list<std::pair<std::string, std::string>> files) {
    std::string name = (fs::temp_directory_path() / "linnet-cgroup-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root_ = name;
    write("proc", groups);
    for (const auto& [path, text] : files) write("sys/" + path, text);
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() { fs::remove_all(root_); }

  double quota() const { return linnet::cgroup_quota((root_ / "proc").string(), (root_ / "sys").string()); }

 private:
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  fs::path root_;
};

}  // namespace

TEST_CASE("version 2") {
  CHECK(Machine("0::/\n", {{"cpu.max", "150000 100000\n"}}).quota() == 1.5);
  CHECK(Machine("0::/\n", {{"cpu.max", "max 100000\n"}}).quota() == 0);
  CHECK(Machine("0::/\n", {}).quota() == 0);
  CHECK(Machine("0::/app\n", {{"app/cpu.max", "50000 20000\n"}}).quota() == 2.5);
  // Nested groups: the smallest on the way up, wherever it is.
  CHECK(Machine("0::/a/b/c\n", {{"a/b/c/cpu.max", "max 100000\n"},
                                {"a/b/cpu.max", "300000 100000\n"},
                                {"a/cpu.max", "200000 100000\n"},
                                {"cpu.max", "800000 100000\n"}})
            .quota() == 2);
  CHECK(Machine("0::/a/b\n", {{"a/b/cpu.max", "50000 100000\n"}, {"a/cpu.max", "400000 100000\n"}}).quota() == 0.5);
  // A sibling is nobody's business; a path that is not mounted leaves the root.
  CHECK(Machine("0::/a\n", {{"b/cpu.max", "100000 100000\n"}}).quota() == 0);
  CHECK(Machine("0::/docker/1234\n", {{"cpu.max", "100000 100000\n"}}).quota() == 1);
}

TEST_CASE("version 1") {
  const std::string groups = "9:memory:/m\n4:cpu,cpuacct:/a/b\n3:cpuset:/\n";
  CHECK(
      Machine(groups, {{"cpu/a/b/cpu.cfs_quota_us", "150000\n"}, {"cpu/a/b/cpu.cfs_period_us", "100000\n"}}).quota() ==
      1.5);
  CHECK(Machine(groups, {{"cpu,cpuacct/a/cpu.cfs_quota_us", "50000\n"}, {"cpu,cpuacct/a/cpu.cfs_period_us", "25000\n"}})
            .quota() == 2);
  CHECK(Machine(groups, {{"cpu/a/b/cpu.cfs_quota_us", "-1\n"},
                         {"cpu/a/b/cpu.cfs_period_us", "100000\n"},
                         {"cpu/cpu.cfs_quota_us", "300000\n"},
                         {"cpu/cpu.cfs_period_us", "100000\n"}})
            .quota() == 3);
  // The quota of another controller's group is not ours.
  CHECK(Machine(groups, {{"cpu/m/cpu.cfs_quota_us", "100000\n"}, {"cpu/m/cpu.cfs_period_us", "100000\n"}}).quota() ==
        0);
  // Only "cpu" is the processor: cpuset and cpuacct are others.
  CHECK(Machine("3:cpuset:/a\n2:cpuacct:/a\n",
                {{"cpu/a/cpu.cfs_quota_us", "100000\n"}, {"cpu/a/cpu.cfs_period_us", "100000\n"}})
            .quota() == 0);
  CHECK(Machine(groups, {{"cpu/a/b/cpu.cfs_quota_us", "100000\n"}}).quota() == 0);
}

TEST_CASE("both versions at once, and files that make no sense") {
  CHECK(Machine("1:cpu:/\n0::/x\n", {{"cpu/cpu.cfs_quota_us", "400000\n"},
                                     {"cpu/cpu.cfs_period_us", "100000\n"},
                                     {"x/cpu.max", "300000 100000\n"}})
            .quota() == 3);
  CHECK(Machine("", {{"cpu.max", "100000 100000\n"}}).quota() == 0);
  CHECK(Machine("nonsense\n0:\n0::\n0::relative\n::\n:\n", {{"cpu.max", "100000 100000\n"}}).quota() == 0);
  for (const char* text : {"", "max", "100000", "100000 0", "-5 100000", "x y"}) {
    CAPTURE(text);
    CHECK(Machine("0::/\n", {{"cpu.max", text}}).quota() == 0);
  }
  CHECK(linnet::cgroup_quota("/no/such/file", "/no/such/folder") == 0);
}

TEST_CASE("threads under a quota: whole processors, at least one") {
  std::string reason;
  const auto threads = [&](int cores, int affinity, double quota) {
    linnet::Cpu machine;
    machine.physical_cores = cores;
    machine.affinity = affinity;
    machine.cgroup_quota = quota;
    return linnet::default_num_threads_of(machine, &reason);
  };
  CHECK(threads(2, 2, 1.5) == 1);
  CHECK(reason == "the control group's quota of 1.5 processors");
  CHECK(threads(8, 16, 0.25) == 1);
  CHECK(threads(8, 16, 2) == 2);
  CHECK(threads(8, 16, 3.99) == 3);
  CHECK(threads(8, 16, 0) == 8);
  CHECK(reason == "8 physical cores");
  CHECK(threads(8, 16, 12) == 8);
  CHECK(threads(8, 3, 2.5) == 2);
  CHECK(threads(8, 3, 5) == 3);
  CHECK(reason == "affinity to 3 processors");
}
