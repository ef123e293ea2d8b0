// Calls handed to the thread that this object lives in, in order, one for each turn of its event loop. Qt's queued
// calls do the same, but lock inside a library that the thread sanitizer does not see; here everything that crosses the
// border stands under one std::mutex, so that what it reports is a race and not a blind spot.
#pragma once

#include <QCoreApplication>
#include <QEvent>
#include <QObject>
#include <deque>
#include <functional>
#include <mutex>

namespace spanscope {

class Mailbox : public QObject {
  public:
    using QObject::QObject;

    /// Any thread.
    void post(std::function<void()> call) {
        {
            const std::lock_guard lock(m_mutex);
            m_calls.push_back(std::move(call));
        }
        QCoreApplication::postEvent(this, new QEvent(QEvent::User));
    }

  protected:
    bool event(QEvent* event) override {
        if (event->type() != QEvent::User) return QObject::event(event);
        std::function<void()> call;
        {
            const std::lock_guard lock(m_mutex);
            if (m_calls.empty()) return true;
            call = std::move(m_calls.front());
            m_calls.pop_front();
        }
        call();
        return true;
    }

  private:
    std::mutex m_mutex;
    std::deque<std::function<void()>> m_calls;
};

}  // namespace spanscope
