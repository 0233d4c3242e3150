/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator that can be told to fail, for the conformance kit: what a plugin does when malloc
 * says no is seen nowhere else. It stands in front of the C library's own, for this program and
 * all that is loaded into it. Only for glibc, which offers its functions under second names; not
 * under a sanitizer, which has an allocator of its own. */
#include "allocator.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || !defined __GLIBC__
#define OWN_ALLOCATOR 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_ALLOCATOR 0
#endif
#endif
#ifndef OWN_ALLOCATOR
#define OWN_ALLOCATOR 1
#endif

#if OWN_ALLOCATOR

#include <errno.h>
#include <stdatomic.h>

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t count, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);
extern void __libc_free (void *memory);

static atomic_uint_least64_t counted;
static atomic_uint_least64_t failing;
static atomic_int_least64_t live_blocks;

static bool
must_fail (void)
{
  uint64_t number = atomic_fetch_add (&counted, 1) + 1;
  if (number != atomic_load (&failing))
    return false;
  errno = ENOMEM;
  return true;
}

static void *
handed_out (void *memory)
{
  if (memory)
    atomic_fetch_add (&live_blocks, 1);
  return memory;
}

/* What is loaded into this program must find these before the C library's. */
#pragma GCC visibility push(default)
void *malloc (size_t size);
void *calloc (size_t count, size_t size);
void *realloc (void *memory, size_t size);
void *memalign (size_t alignment, size_t size);
void *aligned_alloc (size_t alignment, size_t size);
int posix_memalign (void **memory, size_t alignment, size_t size);
void free (void *memory);
#pragma GCC visibility pop

void *
malloc (size_t size)
{
  return must_fail () ? NULL : handed_out (__libc_malloc (size));
}

void *
calloc (size_t count, size_t size)
{
  return must_fail () ? NULL : handed_out (__libc_calloc (count, size));
}

void *
realloc (void *memory, size_t size)
{
  if (!memory)
    return malloc (size);
  return must_fail () ? NULL : __libc_realloc (memory, size);
}

void *
memalign (size_t alignment, size_t size)
{
  return must_fail () ? NULL : handed_out (__libc_memalign (alignment, size));
}

void *
aligned_alloc (size_t alignment, size_t size)
{
  return memalign (alignment, size);
}

int
posix_memalign (void **memory, size_t alignment, size_t size)
{
  void *block = memalign (alignment, size);
  if (!block)
    return ENOMEM;
  *memory = block;
  return 0;
}

void
free (void *memory)
{
  if (memory)
    atomic_fetch_sub (&live_blocks, 1);
  __libc_free (memory);
}

static void
fail_at (uint64_t number)
{
  atomic_store (&counted, 0);
  atomic_store (&failing, number);
}

static uint64_t
count (void)
{
  return atomic_load (&counted);
}

static int64_t
live (void)
{
  return atomic_load (&live_blocks);
}

static const adze_allocator own_allocator = { sizeof own_allocator, fail_at, count, live };

#endif

const adze_allocator *
worker_allocator (void)
{
#if OWN_ALLOCATOR
  return &own_allocator;
#else
  return NULL;
#endif
}
