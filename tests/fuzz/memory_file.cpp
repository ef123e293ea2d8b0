#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/fuzz.h"

namespace spanscope::fuzz {

MemoryFile::MemoryFile(const uint8_t* data, size_t size) : m_fd(memfd_create("fuzz", MFD_CLOEXEC)) {
    size_t done = 0;
    while (m_fd >= 0 && done < size) {
        const ssize_t n = write(m_fd, data + done, size - done);
        if (n <= 0) break;
        done += static_cast<size_t>(n);
    }
    if (m_fd < 0 || done < size) {
        std::perror("memfd");
        std::abort();
    }
}

MemoryFile::~MemoryFile() { close(m_fd); }

}  // namespace spanscope::fuzz
