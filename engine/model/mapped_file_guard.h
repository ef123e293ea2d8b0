// Files stay mapped while a model runs. If another program cuts one short, or its disk or network share goes away, the
// kernel answers the next read with SIGBUS. Copying every model would cost its size in memory and time to guard
// against something this rare; so the program ends, but says which file and what happened, with the exit code of a
// file that cannot be read. A recording that was being written stays behind as its readable `.part` file.
#pragma once

#include <cstddef>

namespace spanscope {

/// Installs the handler; once, from main. `program` (static) begins the message; the process then ends with `exitCode`.
/// A SIGBUS from anywhere else ends it as without a handler.
void guardMappedFiles(const char* program, int exitCode);

namespace mapped_files {
/// What MappedFile has mapped. Any thread.
void add(const void* address, size_t nBytes, const char* path);
void remove(const void* address);
}  // namespace mapped_files

}  // namespace spanscope
