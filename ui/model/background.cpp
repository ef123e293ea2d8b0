#include "ui/model/background.h"

#include <QRunnable>
#include <QThreadPool>
#include <deque>
#include <mutex>

namespace spanscope {

namespace {

class Work : public QRunnable {
  public:
    Work() { setAutoDelete(false); }
    void add(std::function<void()> call) {
        {
            const std::lock_guard lock(m_mutex);
            m_calls.push_back(std::move(call));
        }
        QThreadPool::globalInstance()->start(this);
    }
    void run() override {
        std::function<void()> call;
        {
            const std::lock_guard lock(m_mutex);
            if (m_calls.empty()) return;
            call = std::move(m_calls.front());
            m_calls.pop_front();
        }
        call();
    }

  private:
    std::mutex m_mutex;
    std::deque<std::function<void()>> m_calls;
};

}  // namespace

void inBackground(std::function<void()> call) {
    static auto* work = new Work;  // the pool may still run it while the program ends
    work->add(std::move(call));
}

}  // namespace spanscope
