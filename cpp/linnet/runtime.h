// Threads, instruction sets and other settings of the whole process. All have a good default; the environment variables
// LINNET_NUM_THREADS, LINNET_ISA and LINNET_CONV_ALGORITHM set the same.
#pragma once
#include <string>
#include <vector>

namespace linnet {

// "0.1.0"
std::string version();

// Results do not depend on the number of threads, to the last bit. The default respects affinity and container quota.
void set_num_threads(int n);
int num_threads();

// The kernels in use, such as "x86-64-v4", and all that this processor can run, best first. Programs and models made
// before `set_isa` keep theirs.
std::string isa();
std::vector<std::string> available_isas();
void set_isa(const std::string& name);

// "auto" (default), or "direct": no convolution algorithm whose rounding differs from that of the plain sum.
void set_conv_algorithm(const std::string& name);
std::string conv_algorithm();

// The names that Network::add takes. An unknown setting is an error that lists the known ones.
std::vector<std::string> operations();

}  // namespace linnet
