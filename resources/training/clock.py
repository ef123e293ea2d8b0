"""Time the process was running. A machine may be lent away for minutes in the middle of a run (SIGSTOP); the schedule of
the learning rate must not see that, so a gap in the ticks of a thread is taken out of the time."""
import os
import threading
import time


def age_of_process():
    """Seconds since this process began (imports take some), at most 20; 0 where that cannot be read."""
    try:
        with open("/proc/self/stat", encoding="ascii") as f:
            ticks = int(f.read().rsplit(")", 1)[1].split()[19])
        return min(20.0, max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")))
    except (OSError, ValueError, AttributeError):
        return 0.0


class Clock:
    def __init__(self, tick=0.25, longest=5.0):
        self.began = self.last = time.monotonic()
        self.began -= age_of_process()
        self.away = 0.0
        self.tick, self.longest = tick, longest
        self.lock = threading.Lock()
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        while True:
            time.sleep(self.tick)
            self.now()

    def now(self):
        """Seconds since the start without gaps longer than `longest`."""
        with self.lock:
            t = time.monotonic()
            gap, self.last = t - self.last, t
            if gap > self.longest:
                self.away += gap
            return t - self.began - self.away
