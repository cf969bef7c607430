#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

#include <stdbool.h>

/* Tell whether allocations are counted: with glibc, and without a sanitizer, which has its own allocator. */
bool allocations_are_counted(void);

/* Return the number of allocations that this thread has made. */
unsigned long allocations_of_this_thread(void);

#endif
