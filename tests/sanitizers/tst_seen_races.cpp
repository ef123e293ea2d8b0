// Races on purpose, one side of each in a function that Qt calls. ctest passes when the thread sanitizer reports them:
// a suppression that names a library of Qt hides them, since it matches any frame of a stack and all of these begin in
// Qt.
#include <QThread>
#include <QtTest>
#include <atomic>
#include <thread>

namespace {

int value = 0;
std::atomic<bool> touched{false};

[[gnu::noinline]] void touch() { ++value; }

void touchFirst() {
    touch();
    touched.store(true, std::memory_order_relaxed);
}
void touchSecond() {  // later, and yet unordered
    while (!touched.load(std::memory_order_relaxed)) std::this_thread::yield();
    touch();
}

}  // namespace

class TestSeenRaces : public QObject {
    Q_OBJECT
  private slots:
    void againstAThread() {
        std::thread thread(touchFirst);
        touchSecond();
        thread.join();
        QCOMPARE(value, 2);
    }

    /// As the runner's thread works. (A function handed to QThread::create would stay unseen: Qt calls it inside
    /// std::call_once, and what a library does in there is left out.)
    void againstAnEventLoop() {
        QThread thread;
        QObject worker;
        worker.moveToThread(&thread);
        QMetaObject::invokeMethod(
            &worker, [] { touchFirst(); }, Qt::QueuedConnection);
        thread.start();
        touchSecond();
        thread.quit();
        QVERIFY(thread.wait());
        QCOMPARE(value, 2);
    }
};

QTEST_GUILESS_MAIN(TestSeenRaces)
#include "tst_seen_races.moc"
