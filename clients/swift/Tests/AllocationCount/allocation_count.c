#include "allocation_count.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_SANITIZER)

static __thread unsigned long count;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    ++count;
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    ++count;
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    ++count;
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    ++count;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    ++count;
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}

bool allocations_are_counted(void) { return true; }
unsigned long allocations_of_this_thread(void) { return count; }

#else

bool allocations_are_counted(void) { return false; }
unsigned long allocations_of_this_thread(void) { return 0; }

#endif
