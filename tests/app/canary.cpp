// A library that somebody else put into a folder. Whoever loads it has run their code: it says so in a file.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

__attribute__((constructor)) static void sing() {
    const char* path = std::getenv("SPANSCOPE_CANARY");
    if (!path) return;
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0) return;
    if (write(fd, "loaded\n", 7) < 0) std::abort();
    close(fd);
}
