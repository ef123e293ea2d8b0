// Ctrl+C, SIGTERM and the end of a terminal (SIGHUP) stop the program within a fifth of a second, whatever it does.
// Where there is nothing to keep yet (a model that is being opened, a trace that is read, an export) the handler itself
// ends the process: exit code 5, half-written files removed. Where results or a recording exist, the verb stops in good
// order.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace spanscope::cli {

/// Also: a reader that closes stdout (`| head`) is no signal but a failed write.
void installStopSignal();
/// Set by the signal; handed to the engine as its stop flag.
const std::atomic<bool>& stopFlag();
inline bool stopRequested() { return stopFlag().load(std::memory_order_relaxed); }

/// While this exists a signal sets the flag, and what is done so far is to be printed and closed. Work that does not
/// look at the flag for 0.15 s (one step of a very large model) is not waited for: lastWords prints what is complete,
/// in a thread of its own beside the work, and the process ends; a recording then stays behind as its readable `.part`
/// file. A second signal ends at once. One at a time.
class StopsInOrder {
  public:
    explicit StopsInOrder(std::function<void()> lastWords = {});
    ~StopsInOrder();
    StopsInOrder(const StopsInOrder&) = delete;
    StopsInOrder& operator=(const StopsInOrder&) = delete;
    /// The work is over, stopped or not: printing and closing take as long as they take.
    void workIsOver();

  private:
    void watch();
    std::function<void()> m_lastWords;
    std::mutex m_mutex;
    std::condition_variable m_over;
    bool m_isOver = false;
    std::thread m_watcher;
};

/// For the handler: there is a line of progress to clear.
void progressIsShown(bool shown);

}  // namespace spanscope::cli
