// The choice of an instruction set. What the environment forces is decided once per process, so tests/test_packaging.py
// tests LINNET_ISA in processes of their own.
#include <doctest/doctest.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "runtime/cpu.h"
#include "runtime/dispatch.h"

using namespace linnet;

TEST_CASE("the tables are distinct, complete, and end with the reference") {
  const auto tables = available_kernels();
  REQUIRE(!tables.empty());
  CHECK(std::string(tables.back()->name) == "reference");
  for (const KernelTable* table : tables) {
    CAPTURE(table->name);
    CHECK(find_kernels(table->name) == table);
    // Every field after the name is a pointer to a function; a forgotten one would be null.
    const char* fields = reinterpret_cast<const char*>(table) + sizeof(const char*);
    for (size_t i = 0; i < sizeof(KernelTable) / sizeof(void*) - 1; ++i) {
      void* function;
      std::memcpy(&function, fields + i * sizeof(void*), sizeof(void*));
      CAPTURE(i);
      CHECK((function != nullptr));
    }
  }
  for (size_t i = 1; i < tables.size(); ++i) CHECK((tables[i - 1]->gemm != tables[i]->gemm));
}

TEST_CASE("a table has a long and a short name; unknown names are errors that list the known ones") {
  const KernelTable* before = &kernels();
  for (const KernelTable* table : available_kernels()) {
    const std::string name = table->name;
    set_kernels(name);
    CHECK(&kernels() == table);
    if (name.rfind("x86-64-", 0) == 0) CHECK(find_kernels(name.substr(7)) == table);
  }
  CHECK(find_kernels("x86-64-v9") == nullptr);
  CHECK(find_kernels("") == nullptr);
  try {
    set_kernels("avx9");
    FAIL("no exception");
  } catch (const std::invalid_argument& error) {
    const std::string text = error.what();
    CHECK(text.find("'avx9'") != std::string::npos);
    CHECK(text.find("reference") != std::string::npos);
  }
  set_kernels(before->name);
}

TEST_CASE("the processor is described consistently") {
  const Cpu& machine = cpu();
  CHECK(!machine.model.empty());
  CHECK(machine.affinity >= 1);
  CHECK(machine.physical_cores >= 1);
  CHECK(machine.physical_cores <= machine.affinity);
  CHECK(machine.cgroup_quota >= 0);
  if (machine.l2 > 0) CHECK(machine.l2 >= machine.l1d);
#if defined(__x86_64__)
  CHECK(machine.isa >= 1);
  CHECK(machine.isa <= 4);
  // The compiler's own detection, where it has one.
  CHECK((machine.isa >= 3) ==
        (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma")));
  if (machine.isa >= 4) CHECK(__builtin_cpu_supports("avx512bw"));
#endif
}
