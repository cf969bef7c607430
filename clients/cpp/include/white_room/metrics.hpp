#pragma once

/// Metrics of an audio plugin or app for wr-agent. C++17, POSIX, nothing to link but the system's threads.
///
///     white_room::Registry registry;                              // one an instance, made before what uses it
///     white_room::AudioMetrics audio{registry, channels};
///     white_room::Server server{registry, "reverb"};              // made last: it ends first
///
/// What is called on an audio thread (`inc`, `set`, `add`, `observe`, the timers, `AudioMetrics::block`,
/// `FfiFunction::call`) allocates nothing, takes no lock, throws nothing and makes no system call. What is called
/// elsewhere says so where it is declared.

#include <white_room/metrics/audio.hpp>
#include <white_room/metrics/deployment.hpp>
#include <white_room/metrics/ffi.hpp>
#include <white_room/metrics/memory.hpp>
#include <white_room/metrics/registry.hpp>
#include <white_room/metrics/server.hpp>
#include <white_room/metrics/timer.hpp>
