/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of single formats have in common: bytes that are put together, a model out of them
 * and into a file, and how much heap that took. */
#ifndef TESTS_UNIT_FORMAT_TESTS_H
#define TESTS_UNIT_FORMAT_TESTS_H

#include "world.h"

#include "artifact/format.h"
#include "base/toml.h"

/* ---- Heap: this program stands in front of the C library's allocator, which then serves plugins
 * as well. A sanitizer has one of its own: there is nothing to measure then. */

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define HEAP_SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_SANITIZED 1
#endif
#endif

#ifndef HEAP_SANITIZED
#include <malloc.h>
#include <stdatomic.h>

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t count, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void __libc_free (void *memory);

static atomic_size_t heap_now, heap_peak;
static atomic_long heap_fails_in; /* the so manieth allocation from now on fails; 0: none does */

static inline bool
heap_refuses (void)
{
  return atomic_load (&heap_fails_in) > 0 && atomic_fetch_sub (&heap_fails_in, 1) == 1;
}

static inline void *
heap_count (void *memory)
{
  if (!memory)
    return NULL;
  size_t now = atomic_fetch_add (&heap_now, malloc_usable_size (memory));
  now += malloc_usable_size (memory);
  if (now > atomic_load (&heap_peak))
    atomic_store (&heap_peak, now);
  return memory;
}

static inline void
heap_forget (void *memory)
{
  if (memory)
    atomic_fetch_sub (&heap_now, malloc_usable_size (memory));
}

/* Plugins and the C library itself are to find these. */
#define HEAP_PUBLIC __attribute__ ((visibility ("default")))
HEAP_PUBLIC void *malloc (size_t size);
HEAP_PUBLIC void *calloc (size_t count, size_t size);
HEAP_PUBLIC void *realloc (void *memory, size_t size);
HEAP_PUBLIC void *reallocarray (void *memory, size_t count, size_t size);
HEAP_PUBLIC void free (void *memory);

void *
malloc (size_t size)
{
  return heap_refuses () ? NULL : heap_count (__libc_malloc (size));
}

void *
calloc (size_t count, size_t size)
{
  return heap_refuses () ? NULL : heap_count (__libc_calloc (count, size));
}

/* Both blocks may exist for a moment. */
void *
realloc (void *memory, size_t size)
{
  size_t before = memory ? malloc_usable_size (memory) : 0;
  void *grown = heap_refuses () ? NULL : __libc_realloc (memory, size);
  if (!grown)
    return NULL;
  heap_count (grown);
  atomic_fetch_sub (&heap_now, before);
  return grown;
}

void *
reallocarray (void *memory, size_t count, size_t size)
{
  size_t product;
  return __builtin_mul_overflow (count, size, &product) ? NULL : realloc (memory, product);
}

void
free (void *memory)
{
  heap_forget (memory);
  __libc_free (memory);
}

static inline void
heap_begin (void)
{
  atomic_store (&heap_peak, atomic_load (&heap_now));
}

static inline size_t
heap_used (size_t before)
{
  size_t peak = atomic_load (&heap_peak);
  return peak > before ? peak - before : 0;
}

static inline size_t
heap_size (void)
{
  return atomic_load (&heap_now);
}

/* True: none has failed since, the next one would have. */
static inline bool
heap_fail (long turn)
{
  return atomic_exchange (&heap_fails_in, turn) > 0;
}
#else
static inline bool
heap_fail (long turn)
{
  return turn == 0;
}

static inline void
heap_begin (void)
{
}

static inline size_t
heap_used (size_t before)
{
  return before;
}

static inline size_t
heap_size (void)
{
  return 0;
}
#endif

/* ---- Bytes. */

typedef struct bytes {
  unsigned char *data;
  size_t size, room;
} bytes;

static inline void
put (bytes *into, const void *data, size_t size)
{
  if (into->room - into->size < size) {
    into->room = into->room * 2 + size + 256;
    into->data = realloc (into->data, into->room);
    assert_non_null (into->data);
  }
  if (size > 0)
    memcpy (into->data + into->size, data, size);
  into->size += size;
}

static inline void
put_number (bytes *into, uint64_t number, size_t size)
{
  unsigned char little[8];
  for (size_t i = 0; i < size; i++)
    little[i] = (unsigned char)(number >> (8 * i));
  put (into, little, size);
}

static inline void
put_zeros (bytes *into, size_t count)
{
  while (count-- > 0)
    put (into, "", 1);
}

static inline void
pad (bytes *into, size_t alignment)
{
  put_zeros (into, (alignment - into->size % alignment) % alignment);
}

static inline void
patch (bytes *into, size_t at, uint64_t number, size_t size)
{
  assert_in_range (at + size, 0, into->size);
  for (size_t i = 0; i < size; i++)
    into->data[at + i] = (unsigned char)(number >> (8 * i));
}

static inline bytes
copy_of (const bytes *from)
{
  bytes copy = { 0 };
  put (&copy, from->data, from->size);
  return copy;
}

static inline bytes
read_bytes (const char *path)
{
  bytes all = { 0 };
  char chunk[65536];
  FILE *file = fopen (path, "rb");
  if (!file)
    fail_msg ("%s cannot be opened", path);
  for (size_t size; (size = fread (chunk, 1, sizeof chunk, file)) > 0;)
    put (&all, chunk, size);
  fclose (file);
  return all;
}

static inline void
write_bytes (const char *path, const bytes *from)
{
  FILE *file = fopen (path, "wb");
  assert_non_null (file);
  if (from->size > 0)
    assert_int_equal (fwrite (from->data, 1, from->size, file), from->size);
  assert_int_equal (fclose (file), 0);
}

static inline void
same_files (const char *one, const char *other)
{
  bytes a = read_bytes (one), b = read_bytes (other);
  if (a.size != b.size)
    fail_msg ("%s has %zu bytes, %s has %zu", one, a.size, other, b.size);
  for (size_t i = 0; i < a.size; i++)
    if (a.data[i] != b.data[i])
      fail_msg ("%s and %s differ at byte %zu", one, other, i);
  free (a.data);
  free (b.data);
}

/* ---- Models. */

/* With all formats loaded: a file that is of none has them asked in turn. */
static inline int
make_runtime (void **state)
{
  if (make_world (state) != 0)
    return -1;
  world *w = *state;
  bytes nothing = { 0 };
  adze_model *model = NULL;
  reopen (w, NULL);
  put (&nothing, "nothing", 7);
  write_bytes (in_world (w, "nothing"), &nothing);
  must_fail (adze_model_open (w->runtime, in_world (w, "nothing"), NULL, &model),
             ADZE_E_UNSUPPORTED, "no format", NULL);
  free (nothing.data);
  return 0;
}

#define WITH_FORMATS(test) cmocka_unit_test_setup_teardown (test, make_runtime, end_world)

static inline adze_model *
open_model (world *w, const char *path)
{
  adze_model *model = NULL;
  must (adze_model_open (w->runtime, path, NULL, &model));
  assert_non_null (model);
  return model;
}

/* SETTINGS: lines of TOML with the format's parameters. */
static inline adze_error *
try_write (world *w, const adze_model *model, const char *path, const char *settings)
{
  ADZE_AUTO (adze_document) document = { 0 };
  must (adze_toml_parse ("settings", settings, strlen (settings), &document));
  adze_format_options options = { .document = &document, .settings = document.root };
  return adze_model_write (w->runtime, model, path, &options);
}

/* Opens FROM and writes it as TO, both in the world's folder or absolute. */
static inline void
convert (world *w, const char *from, const char *to, const char *settings)
{
  adze_model *model = open_model (w, from);
  must (try_write (w, model, to, settings));
  adze_model_close (model);
}

static inline void
same_values (const adze_model *a, const adze_model *b)
{
  assert_int_equal (a->metadata.count, b->metadata.count);
  for (size_t i = 0; i < a->metadata.count; i++) {
    const adze_metadata_entry *one = &a->metadata.entries[i];
    const adze_metadata_entry *other = &b->metadata.entries[i];
    assert_int_equal (one->key_size, other->key_size);
    assert_memory_equal (one->key, other->key, one->key_size);
    if (!adze_meta_equal (&one->value, &other->value))
      fail_msg ("the values of '%s' differ", one->key);
  }
}

static inline void
same_tensors (const adze_model *a, const adze_model *b)
{
  assert_int_equal (a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    const adze_model_tensor *one = &a->tensors[i], *other = &b->tensors[i];
    if (!adze_tensor_meta_equal (&one->meta, &other->meta))
      fail_msg ("tensor %zu, '%s', is not the same as '%s'", i, one->meta.name, other->meta.name);
    size_t size = one->meta.byte_size;
    char *left = malloc (size + 1), *right = malloc (size + 1);
    assert_true (left && right);
    must (adze_model_read (a, one, 0, left, size));
    must (adze_model_read (b, other, 0, right, size));
    if (memcmp (left, right, size) != 0)
      fail_msg ("the numbers of '%s' differ", one->meta.name);
    free (left);
    free (right);
  }
}

static inline void
same_models (world *w, const char *one, const char *other)
{
  adze_model *a = open_model (w, one), *b = open_model (w, other);
  same_values (a, b);
  same_tensors (a, b);
  adze_model_close (a);
  adze_model_close (b);
}

/* ---- Hostile files. */

/* The file at PATH must be refused with that status (ADZE_OK: any) and every one of the words,
 * which are divided by '|'; and no more heap may be taken than 64 times its bytes. What an error
 * itself takes, and the first look at a file, is a constant. */
static inline void
must_be_refused (world *w, const char *what, const char *path, size_t size, adze_status status,
                 const char *words)
{
  adze_model *model = NULL;
  size_t before = heap_size ();
  heap_begin ();
  adze_error *error = adze_model_open (w->runtime, path, NULL, &model);
  size_t used = heap_used (before);
  if (!error)
    fail_msg ("%s: it was taken", what);
  char *text = adze_error_text (error);
  assert_non_null (text);
  if (getenv ("ADZE_TEST_VERBOSE"))
    print_message ("== %s (%zu bytes, %zu of heap)\n%s", what, size, used, text);
  char wanted[512];
  snprintf (wanted, sizeof wanted, "%s", words);
  for (char *rest = wanted, *word; (word = strsep (&rest, "|"));)
    if (!strstr (text, word))
      fail_msg ("%s: '%s' is not in this message:\n%s", what, word, text);
  if (status != ADZE_OK && adze_error_status (error) != status)
    fail_msg ("%s: the status is %d, not %d:\n%s", what, (int)adze_error_status (error),
              (int)status, text);
#ifndef HEAP_SANITIZED
  if (used > 64 * size + 65536)
    fail_msg ("%s: %zu bytes of heap for a file of %zu", what, used, size);
#endif
  free (text);
  adze_error_free (error);
}

/* Opens FROM and writes it as TO, and makes the first allocation fail, the second ... */
static inline void
all_allocations_fail_in_turn (world *w, const char *from, const char *to)
{
  bool all = false;
  for (long turn = 1; !all; turn++) {
    adze_model *model = NULL;
    size_t before = heap_size ();
    heap_fail (turn);
    adze_error *error = adze_model_open (w->runtime, from, NULL, &model);
    bool opened = !error;
    if (opened)
      error = adze_model_write (w->runtime, model, to, NULL);
    all = heap_fail (0);
    assert_true (opened == !!model);
    assert_true (!all || !error);
    adze_error_free (error);
    adze_model_close (model);
    if (heap_size () > before + 4096)
      fail_msg ("allocation %ld: %zu bytes are left", turn, heap_size () - before);
  }
}

/* Data that does not lie in the sources; NULL: there is none, and the test skips. */
static inline const char *
test_data (const char *rest, char path[4096])
{
  const char *data = getenv ("ADZE_TEST_DATA");
  snprintf (path, 4096, "%s/%s", data ? data : "", rest);
  if (data && access (path, R_OK) == 0)
    return path;
  if (environment_or ("ADZE_TEST_STRICT", "0")[0] == '1')
    fail_msg ("ADZE_TEST_DATA names no folder with %s in it", rest);
  print_message ("skipped, ADZE_TEST_DATA names no folder with %s in it\n", rest);
  return NULL;
}

#endif
