/* SPDX-License-Identifier: Apache-2.0 */
/* idx_bits.c: unpacked examples in memory, without their zeros. Half of the pictures that people train on is
 * background, and all of them lie in memory as long as training goes on: an example is kept as a bit for each of
 * its bytes, which says whether it is something, and then the bytes that are not zero. One that would not become
 * shorter is kept as it is. Spans, so many zeros and then so many bytes, took ten times as long to read: no
 * processor guesses where they end. */
#include "idx.h"

#include <stdlib.h>
#include <string.h>

#if defined __x86_64__
#include <immintrin.h>
#endif

/* A word of bits stands for so many bytes. */
enum { WORD = 64 };
/* Where an example begins takes four bytes, so that short ones are not worth it. */
enum { SHORT = 64 };
/* What a processor fetches at once, and how much of an example is asked for. */
enum { LINE = 64, LINES = 32 };

/* ---- The bytes of a word, COUNT of them. Where those that are left begin, WORD can be read and written. */

struct idx_words {
  /* Writes those that are no zeros to *INTO, which moves on; the result has a bit for each. */
  uint64_t (*leave_out) (const unsigned char *bytes, size_t count, unsigned char **into);
  /* The way back; the result is where those of the next word begin. */
  const unsigned char *(*put_in) (const unsigned char *from, uint64_t bits, unsigned char *bytes,
                                  size_t count);
};

static uint64_t
leave_out (const unsigned char *bytes, size_t count, unsigned char **into)
{
  uint64_t bits = 0;
  for (size_t i = 0; i < count; i++) {
    **into = bytes[i];
    *into += bytes[i] != 0;
    bits |= (uint64_t)(bytes[i] != 0) << i;
  }
  return bits;
}

static const unsigned char *
put_in (const unsigned char *from, uint64_t bits, unsigned char *bytes, size_t count)
{
  for (size_t i = 0; i < count; i++, bits >>= 1) {
    bytes[i] = (unsigned char)(bits & 1 ? *from : 0);
    from += bits & 1;
  }
  return from;
}

static const idx_words plain = { .leave_out = leave_out, .put_in = put_in };

#if defined __x86_64__
#define VECTORS __attribute__ ((target ("avx512f,avx512bw,avx512vbmi2,popcnt")))

VECTORS static uint64_t
leave_out_vector (const unsigned char *bytes, size_t count, unsigned char **into)
{
  __m512i all = _mm512_maskz_loadu_epi8 (~(uint64_t)0 >> (WORD - count), bytes);
  __mmask64 bits = _mm512_test_epi8_mask (all, all);
  _mm512_storeu_si512 (*into, _mm512_maskz_compress_epi8 (bits, all));
  *into += __builtin_popcountll (bits);
  return bits;
}

VECTORS static const unsigned char *
put_in_vector (const unsigned char *from, uint64_t bits, unsigned char *bytes, size_t count)
{
  __m512i all = _mm512_maskz_expand_epi8 (bits, _mm512_loadu_si512 (from));
  _mm512_mask_storeu_epi8 (bytes, ~(uint64_t)0 >> (WORD - count), all);
  return from + __builtin_popcountll (bits);
}

static const idx_words *
choose_words (void)
{
  static const idx_words vector = { .leave_out = leave_out_vector, .put_in = put_in_vector };
  bool there = __builtin_cpu_supports ("avx512bw") && __builtin_cpu_supports ("avx512vbmi2")
               && __builtin_cpu_supports ("popcnt");
  return there ? &vector : &plain;
}
#else
static const idx_words *
choose_words (void)
{
  return &plain;
}
#endif

/* ---- An example. */

static size_t
size_of_bits (size_t size)
{
  return (size + WORD - 1) / WORD * sizeof (uint64_t);
}

/* Writes EXAMPLE to INTO, where there is room for as many bytes as it has and a word more; 0: it would become no
 * shorter. */
static size_t
shrink (const idx_words *words, const unsigned char *example, size_t size, unsigned char *into)
{
  unsigned char *rest = into + size_of_bits (size), *end = into + size;
  for (size_t at = 0; at < size && rest < end; at += WORD, into += sizeof (uint64_t)) {
    uint64_t bits = words->leave_out (example + at, size - at < WORD ? size - at : WORD, &rest);
    memcpy (into, &bits, sizeof bits);
  }
  return rest < end ? (size_t)(rest - (end - size)) : 0;
}

static void
grow (const idx_words *words, const unsigned char *from, unsigned char *into, size_t size)
{
  const unsigned char *rest = from + size_of_bits (size);
  for (size_t at = 0; at < size; at += WORD, from += sizeof (uint64_t)) {
    uint64_t bits;
    memcpy (&bits, from, sizeof bits);
    rest = words->put_in (rest, bits, into + at, size - at < WORD ? size - at : WORD);
  }
}

/* ---- All of them. */

bool
idx_store_make (idx_store *store, size_t count, size_t size)
{
  store->example_size = size;
  store->words = choose_words ();
  /* Not from the host, whose memory is zeros: what is not filled must take no memory. */
  store->bytes = (unsigned char *)malloc (count * size + WORD);
  bool shorter = size >= SHORT && count * size <= UINT32_MAX;
  if (store->bytes && shorter)
    store->starts = (uint32_t *)calloc (count + 1, sizeof *store->starts);
  return store->bytes && (!shorter || store->starts);
}

void
idx_store_release (idx_store *store)
{
  free (store->bytes);
  free (store->starts);
}

void
idx_store_settle (idx_store *store)
{
  unsigned char *less = (unsigned char *)realloc (store->bytes, store->used + WORD);
  if (less)
    store->bytes = less;
}

void
idx_store_expect (const idx_store *store, uint64_t example, uint64_t after)
{
  if (store->starts)
    __builtin_prefetch (&store->starts[after]);
  uint64_t first = store->starts ? store->starts[example] : example * store->example_size;
  uint64_t end = store->starts ? store->starts[example + 1] : first + store->example_size;
  for (uint64_t at = first; at < end && at < first + LINES * LINE; at += LINE)
    __builtin_prefetch (store->bytes + at);
}

void
idx_store_put (idx_store *store, size_t first, const unsigned char *examples, size_t count)
{
  size_t size = store->example_size;
  if (!store->starts) {
    memcpy (store->bytes + store->used, examples, count * size);
    store->used += count * size;
    return;
  }
  for (size_t i = 0; i < count; i++, examples += size) {
    size_t length = shrink (store->words, examples, size, store->bytes + store->used);
    if (length == 0)
      memcpy (store->bytes + store->used, examples, length = size);
    store->used += length;
    store->starts[first + i + 1] = (uint32_t)store->used;
  }
}

void
idx_store_get (const idx_store *store, uint64_t first, size_t count, unsigned char *into)
{
  size_t size = store->example_size;
  if (!store->starts) {
    memcpy (into, store->bytes + first * size, count * size);
    return;
  }
  for (uint64_t i = first; i < first + count; i++, into += size) {
    const unsigned char *from = store->bytes + store->starts[i];
    if (store->starts[i + 1] - store->starts[i] == size)
      memcpy (into, from, size);
    else
      grow (store->words, from, into, size);
  }
}
