#include "engine/tasks/chat/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace spanscope {

namespace {

using Clock = std::chrono::steady_clock;

Error systemError(const std::string& what, const std::string& program, int number) {
    const ErrorCode code = number == ENOENT ? ErrorCode::NotFound : ErrorCode::Io;
    return {code, what + ": " + std::strerror(number), program};
}

class Descriptor {
  public:
    explicit Descriptor(int fd = -1) : m_fd(fd) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return m_fd; }
    void reset() {
        if (m_fd >= 0) close(m_fd);
        m_fd = -1;
    }

  private:
    int m_fd;
};

/// Killed and waited for, whatever happens.
class Child {
  public:
    explicit Child(pid_t pid) : m_pid(pid) {}
    ~Child() { end(true); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    int end(bool kills) {
        if (m_pid <= 0) return m_status;
        if (kills) kill(m_pid, SIGKILL);
        while (waitpid(m_pid, &m_status, 0) < 0 && errno == EINTR) {}
        m_pid = -1;
        return m_status;
    }

  private:
    pid_t m_pid;
    int m_status = 0;
};

/// 0, or an errno. The child's standard input and output are `end`; everything else of ours is closed in it.
int spawn(const std::vector<std::string>& arguments, int end, pid_t& pid) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    std::array<char*, 2> environment{const_cast<char*>("LC_ALL=C.UTF-8"), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (const int failed = posix_spawn_file_actions_init(&actions)) return failed;
    if (const int failed = posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&actions);
        return failed;
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
    if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO);
    if (!failed) failed = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!failed) failed = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (!failed) failed = posix_spawn_file_actions_addchdir_np(&actions, "/");
    // A group of its own: what a terminal sends to this program is not meant for it.
    if (!failed)
        failed = posix_spawnattr_setflags(&attributes,
                                          POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (!failed) failed = posix_spawnattr_setsigmask(&attributes, &none);
    if (!failed) failed = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!failed)
        failed = posix_spawn(&pid, arguments.front().c_str(), &actions, &attributes, argv.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

}  // namespace

Result<ChildAnswer> askProgram(const std::vector<std::string>& arguments, std::string_view input,
                               const ChildLimits& limits) {
    const std::string& program = arguments.front();
    if (access(program.c_str(), X_OK) != 0) return systemError("cannot be started", program, errno);
    std::array<int, 2> ends{-1, -1};  // a socket: send() has a flag against SIGPIPE, write() has not
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return systemError("no channel to a process of its own", program, errno);
    Descriptor ours(ends[0]), theirs(ends[1]);
    pid_t pid = -1;
    if (const int failed = spawn(arguments, theirs.get(), pid))
        return systemError("cannot be started", program, failed);
    Child child(pid);
    theirs.reset();

    ChildAnswer answer;
    const auto deadline = Clock::now() + limits.time;
    bool sending = true;
    std::vector<char> buffer(size_t{1} << 16);
    for (;;) {
        if (sending && input.empty()) {
            shutdown(ours.get(), SHUT_WR);
            sending = false;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) {
            answer.timedOut = true;
            break;
        }
        pollfd waiting{ours.get(), static_cast<short>(POLLIN | (sending ? POLLOUT : 0)), 0};
        const int ready = poll(&waiting, 1, static_cast<int>(left));
        if (ready < 0 && errno != EINTR) return systemError("waiting for it failed", program, errno);
        if (ready <= 0) continue;
        if (sending && (waiting.revents & POLLOUT) != 0) {
            const ssize_t n = send(ours.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n > 0) input.remove_prefix(static_cast<size_t>(n));
            else if (n < 0 && errno != EAGAIN && errno != EINTR) input = {};  // it left; its answer says why
        }
        if ((waiting.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            const ssize_t n = recv(ours.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) break;
            if (n > 0) answer.output.append(buffer.data(), static_cast<size_t>(n));
            if (answer.output.size() > limits.outputBytes) {
                answer.tooMuch = true;
                break;
            }
        }
    }
    // Whoever closes the channel ends; one that stays is not waited for.
    if (!answer.timedOut && !answer.tooMuch) {
        siginfo_t info{};
        while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0 &&
               Clock::now() < deadline)
            poll(nullptr, 0, 1);
    }
    answer.status = child.end(true);
    return answer;
}

}  // namespace spanscope
