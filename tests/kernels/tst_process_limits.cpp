// What a process may use, read from trees of files that look like the kernel's: old and unified control groups, nested,
// in containers; and under the real taskset and ulimit, where the system lets a test set them.
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QDir>
#include <QtTest>

#include "kernels/process_limits.h"

using namespace spanscope;

namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

/// /proc and /sys/fs/cgroup of a made-up machine.
class Machine {
  public:
    void file(const QString& path, const QByteArray& text) {
        const QString full = m_root.filePath(path);
        QDir().mkpath(QFileInfo(full).path());
        QFile f(full);
        if (!f.open(QIODevice::WriteOnly) || f.write(text) != text.size()) qFatal("cannot write %s", qPrintable(full));
    }
    Machine& available(uint64_t mib) {
        file("proc/meminfo", "MemTotal:  99999999 kB\nMemFree:  1 kB\nMemAvailable:  " +
                                 QByteArray::number(qulonglong(mib * 1024)) + " kB\nBuffers: 0 kB\n");
        return *this;
    }
    /// The unified hierarchy; `root` is what of it the mount shows.
    Machine& unified(const QByteArray& group, const QByteArray& root = "/") {
        file("proc/self/cgroup", "0::" + group + "\n");
        file("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:26 " + root +
                                        " /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
        return *this;
    }
    /// The old kind: a hierarchy for each controller.
    Machine& old(const QByteArray& cpu, const QByteArray& memory, const QByteArray& root = "/") {
        file("proc/self/cgroup", "12:pids:/x\n4:cpu,cpuacct:" + cpu + "\n3:memory:" + memory + "\n1:name=systemd:/y\n");
        file("proc/self/mountinfo",
             "31 22 0:27 " + root +
                 " /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n32 22 0:28 " + root +
                 " /sys/fs/cgroup/memory rw shared:11 master:2 - cgroup cgroup rw,memory\n");
        return *this;
    }
    SystemFiles files() const { return {m_root.filePath("proc").toStdString(), m_root.path().toStdString()}; }

  private:
    QTemporaryDir m_root;
};

template <class F>
int inChild(F body) {
    const pid_t pid = fork();
    if (pid == 0) _exit(body());
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const int kCores = [] {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}();

}  // namespace

class TestProcessLimits : public QObject {
    Q_OBJECT

  private slots:
    void withoutLimitsAllIsThere() {
        Machine m;
        m.available(5000).unified("/user.slice");
        m.file("sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
        m.file("sys/fs/cgroup/user.slice/memory.max", "max\n");
        m.file("sys/fs/cgroup/user.slice/memory.current", "123\n");
        QCOMPARE(usableThreads(m.files()), kCores);
        QCOMPARE(freeMemoryBytes(m.files()), 5000 * kMiB);
        Machine bare;  // no control groups at all, no /proc: the kernel still says what nobody uses
        QCOMPARE(usableThreads(bare.files()), kCores);
        QVERIFY(freeMemoryBytes(bare.files()) > 0);
    }

    void threads_data() {
        QTest::addColumn<bool>("unified");
        QTest::addColumn<QByteArray>("outer");
        QTest::addColumn<QByteArray>("inner");
        QTest::addColumn<int>("most");
        QTest::newRow("unified, own group") << true << QByteArray("max 100000") << QByteArray("100000 100000") << 1;
        QTest::newRow("unified, the group above")
            << true << QByteArray("50000 100000") << QByteArray("max 100000") << 1;
        QTest::newRow("unified, a part of a core is one")
            << true << QByteArray("max 100000") << QByteArray("1000 100000") << 1;
        QTest::newRow("unified, more than there is")
            << true << QByteArray("max 100000") << QByteArray("99900000 100000") << 999;
        QTest::newRow("unified, nonsense") << true << QByteArray("x") << QByteArray("5 0") << 999;
        QTest::newRow("old, own group") << false << QByteArray("-1 100000") << QByteArray("90000 100000") << 1;
        QTest::newRow("old, the group above") << false << QByteArray("100000 100000") << QByteArray("-1 100000") << 1;
        QTest::newRow("old, none") << false << QByteArray("-1 100000") << QByteArray("-1 100000") << 999;
    }

    void threads() {
        QFETCH(bool, unified);
        QFETCH(QByteArray, outer);
        QFETCH(QByteArray, inner);
        QFETCH(int, most);
        Machine m;
        if (unified) {
            m.unified("/a/b/c");
            m.file("sys/fs/cgroup/a/cpu.max", outer + "\n");
            m.file("sys/fs/cgroup/a/b/c/cpu.max", inner + "\n");
        } else {
            m.old("/a/b/c", "/");
            for (const auto& [folder, text] : {std::pair{"a/", outer}, {"a/b/c/", inner}}) {
                const QString at = QString("sys/fs/cgroup/cpu,cpuacct/") + folder;
                m.file(at + "cpu.cfs_quota_us", text.split(' ')[0] + "\n");
                m.file(at + "cpu.cfs_period_us", text.split(' ').value(1) + "\n");
            }
        }
        QCOMPARE(usableThreads(m.files()), std::min(kCores, most));
    }

    /// A container sees its own group as the top: the mount shows /docker/id, the process is in it or below.
    void containers() {
        for (const QByteArray& group :
             {QByteArray("/docker/id"), QByteArray("/docker/id/sub"), QByteArray("/"), QByteArray("/../other")}) {
            Machine m;
            m.available(5000).unified(group, "/docker/id");
            m.file("sys/fs/cgroup/cpu.max", "100000 100000\n");
            m.file("sys/fs/cgroup/memory.max", QByteArray::number(qulonglong(300 * kMiB)) + "\n");
            m.file("sys/fs/cgroup/memory.current", QByteArray::number(qulonglong(100 * kMiB)) + "\n");
            QCOMPARE(usableThreads(m.files()), 1);
            QCOMPARE(freeMemoryBytes(m.files()), 200 * kMiB);
        }
    }

    void theTightestGroupOnTheWayUpDecides() {
        Machine m;
        m.available(5000).unified("/a/b");
        const auto group = [&](const QString& at, uint64_t limit, uint64_t used) {
            m.file("sys/fs/cgroup/" + at + "memory.max", QByteArray::number(qulonglong(limit * kMiB)) + "\n");
            m.file("sys/fs/cgroup/" + at + "memory.current", QByteArray::number(qulonglong(used * kMiB)) + "\n");
        };
        group("a/b/", 2000, 500);
        QCOMPARE(freeMemoryBytes(m.files()), 1500 * kMiB);
        group("a/", 1000, 700);
        QCOMPARE(freeMemoryBytes(m.files()), 300 * kMiB);
        group("a/", 1000, 1700);  // over it already
        QCOMPARE(freeMemoryBytes(m.files()), uint64_t{0});
        group("a/", 9000, 700);
        m.file("sys/fs/cgroup/a/memory.high",
               QByteArray::number(qulonglong(800 * kMiB)) + "\n");  // held back from there on
        QCOMPARE(freeMemoryBytes(m.files()), 100 * kMiB);
    }

    /// Files that were read stay in memory until it is needed: a group full of them is not full.
    void pagesOfFilesCountAsFree() {
        Machine m;
        m.available(5000).unified("/a");
        m.file("sys/fs/cgroup/a/memory.max", QByteArray::number(qulonglong(1000 * kMiB)));
        m.file("sys/fs/cgroup/a/memory.current", QByteArray::number(qulonglong(990 * kMiB)));
        m.file("sys/fs/cgroup/a/memory.stat", "anon 1\nfile 9\nshmem " + QByteArray::number(qulonglong(90 * kMiB)) +
                                                  "\ninactive_file " + QByteArray::number(qulonglong(500 * kMiB)) +
                                                  "\nactive_file " + QByteArray::number(qulonglong(200 * kMiB)) + "\n");
        QCOMPARE(freeMemoryBytes(m.files()), 710 * kMiB);
        Machine old;
        old.available(5000).old("/", "/x/y");
        old.file("sys/fs/cgroup/memory/x/y/memory.limit_in_bytes", "9223372036854771712\n");  // none
        old.file("sys/fs/cgroup/memory/x/y/memory.usage_in_bytes", "1\n");
        old.file("sys/fs/cgroup/memory/x/memory.limit_in_bytes", QByteArray::number(qulonglong(1000 * kMiB)));
        old.file("sys/fs/cgroup/memory/x/memory.usage_in_bytes", QByteArray::number(qulonglong(900 * kMiB)));
        old.file("sys/fs/cgroup/memory/x/memory.stat",
                 "inactive_file 7\ntotal_inactive_file " + QByteArray::number(qulonglong(100 * kMiB)) +
                     "\ntotal_active_file " + QByteArray::number(qulonglong(50 * kMiB)) + "\n");
        QCOMPARE(freeMemoryBytes(old.files()), 250 * kMiB);
    }

    /// taskset, for real.
    void theCoresThatTheProcessMayRunOn() {
        QCOMPARE(inChild([] {
                     cpu_set_t mine, one;
                     if (sched_getaffinity(0, sizeof mine, &mine) != 0) return -2;
                     CPU_ZERO(&one);
                     for (int c = 0; c < CPU_SETSIZE; ++c)
                         if (CPU_ISSET(c, &mine)) {
                             CPU_SET(c, &one);
                             break;
                         }
                     if (sched_setaffinity(0, sizeof one, &one) != 0) return -2;
                     return static_cast<int>(usableThreads());
                 }),
                 1);
    }

    /// ulimit -v, for real.
    void theLimitOfTheAddressSpace() {
        QCOMPARE(inChild([] {
                     Machine m;
                     m.available(1 << 20);
                     const rlimit limit{rlim_t{4096} * kMiB, rlim_t{4096} * kMiB};
                     if (setrlimit(RLIMIT_AS, &limit) != 0) return 2;
                     m.file(
                         "proc/self/statm",
                         QByteArray::number(qulonglong(1024 * kMiB / static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE)))) +
                             " 1 1 1 0 1 0\n");
                     return freeMemoryBytes(m.files()) == 3072 * kMiB ? 0 : 1;
                 }),
                 0);
    }
};

QTEST_GUILESS_MAIN(TestProcessLimits)
#include "tst_process_limits.moc"
