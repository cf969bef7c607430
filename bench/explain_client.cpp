// A JACK client whose process callback misbehaves on command, and which records the server's xruns.
//
// Usage: explain_client SERVER NAME MICROSECONDS. It computes that long in each cycle. Each line of standard input is a
// command; `spin`, `sleep`, `lock`, `read` and `touch` take effect in the next callback. Each xrun is a line
// `xrun NANOSECONDS` of CLOCK_MONOTONIC, and each callback over one and a half periods after the one before a line
// `late START END`. `bench.explain` documents the commands.

#include <fcntl.h>
#include <jack/jack.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;
constexpr std::size_t block_bytes = 1 << 20;

enum class Task { none, spin, sleep, lock, read, touch };

jack_client_t* client = nullptr;
std::atomic<Task> task{Task::none};
std::atomic<std::int64_t> task_nanoseconds{0};
std::atomic<std::int64_t> load_nanoseconds{0};
std::atomic<std::int64_t> last_nanoseconds{0};
std::atomic<bool> follows{false};
std::mutex shared;
int file = -1;
unsigned char* mapped = nullptr;
std::size_t mapped_bytes = 0;
void* block = nullptr;
std::atomic<unsigned> sum{0};

std::int64_t now(clockid_t clock = CLOCK_MONOTONIC) {
    timespec time{};
    clock_gettime(clock, &time);
    return time.tv_sec * nanoseconds_a_second + time.tv_nsec;
}

// Compute for that much processor time.
void spin(std::int64_t nanoseconds) {
    for (const std::int64_t until = now(CLOCK_THREAD_CPUTIME_ID) + nanoseconds;
         now(CLOCK_THREAD_CPUTIME_ID) < until;) {
    }
}

void pause_for(std::int64_t nanoseconds) {
    const timespec time{nanoseconds / nanoseconds_a_second, nanoseconds % nanoseconds_a_second};
    nanosleep(&time, nullptr);
}

void read_for(std::int64_t nanoseconds) {
    for (const std::int64_t until = now() + nanoseconds; now() < until;) {
        if (pread(file, block, block_bytes, (rand() % 64) * static_cast<off_t>(block_bytes)) < 0) {
            std::perror("pread");
            return;
        }
    }
}

void touch_for(std::int64_t nanoseconds) {
    const std::int64_t until = now() + nanoseconds;
    for (std::size_t at = 0; at < mapped_bytes && now() < until; at += 64 * 4096) {
        sum += mapped[at];
    }
}

void perform(Task what) {
    switch (what) {
        case Task::spin: spin(task_nanoseconds); break;
        case Task::sleep: pause_for(task_nanoseconds); break;
        case Task::lock: std::lock_guard<std::mutex>{shared}; break;
        case Task::read: read_for(task_nanoseconds); break;
        case Task::touch: touch_for(task_nanoseconds); break;
        case Task::none: break;
    }
}

int process(jack_nframes_t frames, void*) {
    const std::int64_t began = now();
    const std::int64_t before = last_nanoseconds.exchange(began);
    const std::int64_t period = frames * nanoseconds_a_second / jack_get_sample_rate(client);
    if (follows && before > 0 && began - before > period * 3 / 2) {
        std::printf("late %lld %lld\n", static_cast<long long>(before), static_cast<long long>(began));
    }
    spin(load_nanoseconds);
    perform(task.exchange(Task::none));
    return 0;
}

int xrun(void*) {
    std::printf("xrun %lld\n", static_cast<long long>(now()));
    return 0;
}

void open_file(const std::string& path) {
    file = open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
    const int plain = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    mapped_bytes = static_cast<std::size_t>(lseek(plain, 0, SEEK_END));
    mapped = static_cast<unsigned char*>(mmap(nullptr, mapped_bytes, PROT_READ, MAP_SHARED, plain, 0));
    madvise(mapped, mapped_bytes, MADV_RANDOM);
    close(plain);
}

void obey(const std::string& line) {
    std::istringstream words(line);
    std::string name;
    double milliseconds = 0;
    words >> name;
    if (name == "file") {
        std::string path;
        words >> path;
        open_file(path);
    } else if (name == "connect") {
        std::string from, to;
        words >> from >> to;
        jack_connect(client, from.c_str(), to.c_str());
    } else if (name == "disconnect") {
        std::string from, to;
        words >> from >> to;
        jack_disconnect(client, from.c_str(), to.c_str());
    } else if (name == "follow") {
        follows = true;
    } else if (name == "pageout") {
        // Only pages that are in this process's table are written out.
        for (std::size_t at = 0; at < mapped_bytes; at += 4096) {
            sum += mapped[at];
        }
        madvise(mapped, mapped_bytes, MADV_PAGEOUT);
    } else if (name == "die") {
        _exit(1);
    } else if (words >> milliseconds) {
        const auto nanoseconds = static_cast<std::int64_t>(milliseconds * 1e6);
        if (name == "load") {
            load_nanoseconds = nanoseconds;
            return;
        }
        task_nanoseconds = nanoseconds;
        if (name == "lock") {
            const std::lock_guard<std::mutex> held(shared);
            task = Task::lock;
            pause_for(nanoseconds);
            return;
        }
        task = name == "spin" ? Task::spin : name == "sleep" ? Task::sleep : name == "read" ? Task::read : Task::touch;
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        std::fprintf(stderr, "usage: explain_client SERVER NAME MICROSECONDS\n");
        return 64;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    block = std::aligned_alloc(4096, block_bytes);
    load_nanoseconds = std::atoll(arguments[3]) * 1000;
    client = jack_client_open(arguments[2], static_cast<jack_options_t>(JackNoStartServer | JackServerName), nullptr,
                              arguments[1]);
    if (client == nullptr) {
        std::fprintf(stderr, "no JACK server %s\n", arguments[1]);
        return 1;
    }
    jack_set_process_callback(client, process, nullptr);
    jack_set_xrun_callback(client, xrun, nullptr);
    jack_port_register(client, "in", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
    jack_port_register(client, "out", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
    jack_activate(client);
    std::printf("ready %d\n", getpid());
    char line[4096];
    while (std::fgets(line, sizeof line, stdin) != nullptr) {
        obey(line);
        std::printf("ok\n");
    }
    jack_client_close(client);
    return 0;
}
