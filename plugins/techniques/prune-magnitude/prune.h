/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of prune-magnitude share.
 *
 *   prune-magnitude.c  parameters, life, apply
 *   describe.c         which tensors take part, and how
 *   pattern.c          single weights, N:M and blocks: words, and numbers as what is pruned
 *   count.c            observe and merge: keys counted and listed
 *   kernels.c          loops over many numbers
 *   search.c           where in an interval of keys the cut lies
 *   settle.c           decide: one cut for all tensors, or one a tensor
 *   report.c           what is told of it
 *   mask.c             prune-mask, which shares nothing with the others but what they leave behind
 *
 * Whatever is pruned, a weight or a block, is one key: the bits of its magnitude, and below these its
 * place in its tensor. Keys are all different, so that a cut has exactly as many below it as are to go;
 * equal magnitudes go in the order of their places. Floats are ordered as their bits are, so the cut is
 * found as a number is: each round divides the interval that it lies in into buckets, counts them, and
 * goes on with one. Next to the counts a round lists the keys of a window in which the cut is expected.
 * Where it is there, and the window was narrow enough, that was the last round. */
#ifndef PRUNE_H
#define PRUNE_H

#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

/* Bits of an infinite magnitude; those of a NaN are above it. */
#define PRUNE_INFINITE UINT32_C (0x7f800000)

/* What a weight that is protected counts as: the largest there is, which goes last. */
#define PRUNE_HELD (PRUNE_INFINITE - 1)

/* A key: 31 bits of magnitude, 33 of place. */
#define PRUNE_PLACE_BITS 33u
#define PRUNE_PLACES (UINT64_C (1) << PRUNE_PLACE_BITS)
#define PRUNE_ALL ((uint64_t)PRUNE_INFINITE << PRUNE_PLACE_BITS)

static inline uint64_t
prune_key (uint32_t size, uint64_t place)
{
  return (uint64_t)size << PRUNE_PLACE_BITS | place;
}

static inline uint32_t
prune_key_size (uint64_t key)
{
  return (uint32_t)(key >> PRUNE_PLACE_BITS);
}

/* Numbers are handled in blocks that stay in the processor's nearest cache. */
enum { PRUNE_BLOCK = 512 };

static inline uint64_t
prune_least (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

/* ---- pattern.c. */

typedef enum prune_shape {
  PRUNE_WEIGHTS, /* each by itself */
  PRUNE_OF_M,    /* N stay of M neighbours in a row */
  PRUNE_BLOCKS   /* ROWS x COLUMNS */
} prune_shape;

typedef struct prune_pattern {
  prune_shape shape;
  uint32_t n, m;
  uint32_t rows, columns;
  bool squares; /* a block's norm: L2 in the place of L1 */
} prune_pattern;

/* That of a stage, or of a tensor of this name. BLOCKS: of prune-blocks. */
adze_status prune_pattern_of (const adze_host *host, const adze_params *values, bool blocks,
                              const char *tensor, prune_pattern *pattern);
void prune_pattern_text (const prune_pattern *pattern, char *text, size_t size);

/* A tensor as a matrix of blocks: its first dimension, and all others together. */
typedef struct prune_grid {
  uint64_t rows, columns;   /* of elements */
  uint64_t down, across;    /* of blocks; those at the edges may be smaller */
} prune_grid;

prune_grid prune_grid_of (const prune_pattern *pattern, const adze_tensor_meta *meta);

/* Bits of the norms of COUNT blocks, PRUNE_BLOCK at most, from block FIRST of row DOWN of blocks on;
 * PRUNE_INFINITE and above: a number of it is not finite. */
void prune_norms (const prune_pattern *pattern, const prune_grid *grid, const adze_view *view,
                  uint64_t down, uint64_t first, size_t count, uint32_t *sizes);

/* Keeps N of each M in rows of ROW elements; IN and OUT are whole rows. */
void prune_of_m (const prune_pattern *pattern, adze_dtype dtype, const void *in, void *out,
                 uint64_t row, size_t count);
/* How many that prunes of a row. */
uint64_t prune_of_m_each (const prune_pattern *pattern, uint64_t row);

/* ---- search.c. */

/* An interval of keys, in buckets of 2^SHIFT keys, and the window of them that is listed. */
typedef struct prune_search {
  uint64_t low, high;
  uint64_t window_low, window_high;
  uint32_t shift;
} prune_search;

/* What a bucket that the cut lies in is: COUNT keys, of which RANK go, and how many keys there are in
 * the buckets beside it. */
typedef struct prune_bucket {
  size_t number;
  uint64_t count, rank;
  uint64_t before, after;
} prune_bucket;

/* How finely a round counts: 2^BITS buckets, LISTED keys. */
typedef struct prune_grain {
  uint32_t bits;
  size_t listed;
} prune_grain;

size_t prune_buckets (const prune_search *search);
/* All keys whose magnitudes are below END. COUNT: how many there may be. */
prune_search prune_search_all (const prune_grain *grain, uint32_t end, uint64_t count);
/* The next round's: BUCKET of SEARCH, in a tensor with PLACES. */
prune_search prune_search_in (const prune_grain *grain, const prune_search *search,
                              const prune_bucket *bucket, uint64_t places);
/* The bucket with the key number RANK, from 1, of those that were counted. */
prune_bucket prune_bucket_of (const uint64_t *counts, size_t buckets, uint64_t rank);

static inline bool
prune_search_is_tie (const prune_search *search)
{
  return search->high - search->low <= PRUNE_PLACES
         && prune_key_size (search->low) == prune_key_size (search->high - 1);
}

/* ---- kernels.c. */

/* Is there a NaN or an infinity? */
bool prune_has_bad (const uint32_t *bits, size_t count);
/* Numbers of buckets, of magnitudes shifted by SHIFT; of zeros they begin with ZEROS. True: not all are finite. */
bool prune_buckets_of (const uint32_t *bits, size_t count, uint32_t shift, uint32_t zeros,
                       uint32_t *buckets);
/* Which magnitudes lie from LOW on and below HIGH: 0 for those that do not, else 0xff. So many lie below LOW. */
uint32_t prune_hits_of (const uint32_t *bits, size_t count, uint32_t low, uint32_t high, uint8_t *hits);
void prune_add (uint64_t *into, const uint64_t *from, size_t count);
/* Magnitudes below the threshold become zero. */
void prune_floats (uint32_t *out, const uint32_t *in, size_t count, uint32_t threshold);
void prune_halves (uint16_t *out, const uint16_t *in, size_t count, uint16_t threshold);

/* ---- count.c. */

/* An accumulator: this, the counts of the buckets, PRUNE_ZEROS of zeros, and listed keys. */
typedef struct prune_sums {
  uint64_t counted; /* keys in all */
  uint64_t zeros;   /* with the magnitude 0; of a round that counts all */
  uint64_t below;   /* below the interval */
  uint64_t listed;  /* in the window; more than there is room for: the list is not whole */
  uint64_t held;    /* protected */
} prune_sums;

/* Zeros are spread over a few places of their own: a processor counts in one place much more slowly
 * than in several, and a model that was pruned before is mostly zeros. */
enum { PRUNE_ZEROS = 8 };

static inline size_t
prune_sums_size (const prune_grain *grain)
{
  return sizeof (prune_sums)
         + (((size_t)1 << grain->bits) + PRUNE_ZEROS + grain->listed) * sizeof (uint64_t);
}

static inline uint64_t *
prune_sums_counts (const prune_sums *sums)
{
  return (uint64_t *)(uintptr_t)(sums + 1);
}

static inline uint64_t *
prune_sums_list (const prune_grain *grain, const prune_sums *sums)
{
  return prune_sums_counts (sums) + ((size_t)1 << grain->bits) + PRUNE_ZEROS;
}

/* ---- The instance. */

typedef enum prune_state {
  PRUNE_SHARED, /* looks for the one cut of all tensors */
  PRUNE_OWN,    /* for its own */
  PRUNE_DONE
} prune_state;

typedef struct prune_tensor {
  char *name;
  prune_pattern pattern;
  prune_grid grid;      /* of blocks */
  double sparsity;
  double min_kept;
  uint32_t threshold;   /* bits of the least magnitude that stays; 0: by sparsity */
  uint64_t places;      /* weights or blocks */
  uint64_t row;         /* elements of a row */
  uint64_t rows;
  bool keeps_bad;       /* what is not finite stays and is not counted */
  bool masked;          /* a mask beside it says which weights are protected */

  prune_state state;
  prune_search search;  /* of PRUNE_OWN */
  uint64_t counted, zeros, held;
  bool shares; /* it counts in the share of all, be it that nothing of it may go */
  uint64_t cap;         /* so many may go at most */
  double asked;         /* and so many were to, were it not for that */
  uint64_t target;      /* of PRUNE_OWN: so many go */
  uint64_t cut;         /* keys below it go */
  uint64_t pruned;

  /* In a round of PRUNE_SHARED: the bucket in which the cap is reached, if any, and the keys that
   * are known to be below the window. */
  prune_bucket cross;
  uint64_t base;
} prune_tensor;

/* A key of the shared window, and whose it is. */
typedef struct prune_entry {
  uint64_t key;
  uint32_t tensor;
} prune_entry;

typedef struct prune {
  bool blocks; /* it is prune-blocks */
  bool global;
  prune_pattern pattern; /* of the stage */
  double sparsity, threshold;
  bool has_threshold, has_share; /* the stage says so, for all tensors that no rule is about */
  adze_entries tensors; /* of prune_tensor, in the order of describe */
  uint64_t places;       /* of all tensors */
  prune_grain grain;
  prune_grain shared_grain; /* all tensors of a window are to have room for what it lists */
  size_t round;
  bool masked;           /* some are protected */
  bool told_masks;
  adze_left_tally left, told;

  /* Of the tensors that share a cut. */
  prune_search search;
  uint64_t *reach;       /* so many go at most where all keys below bucket number i do */
  uint64_t target;       /* so many of them go */
  uint64_t quota;        /* of ties that are still to be given out */
  prune_entry *entries;
  size_t entry_count, entry_room;
  bool list_lost;        /* not all keys of the window are there */
} prune;

static inline prune_tensor *
prune_tensor_at (const prune *self, size_t number)
{
  return (prune_tensor *)adze_entries_at (&self->tensors, number);
}

prune_tensor *prune_tensor_of (const prune *self, const char *name);
/* VALUES of a rule; SELF NULL: of the stage. */
adze_status prune_check_params (const adze_host *host, const prune *self, const adze_params *values,
                                const prune_pattern *pattern);
void prune_clear (const adze_host *host, prune *self);

/* Could TENSOR need anything of the round that begins? */
static inline const prune_search *
prune_search_for (const prune *self, const prune_tensor *tensor)
{
  return tensor->state == PRUNE_SHARED ? &self->search
         : tensor->state == PRUNE_OWN  ? &tensor->search
                                       : NULL;
}

/* ---- Callbacks. */

adze_status prune_describe (const adze_host *host, void *instance, adze_outline *outline);
adze_status prune_observe (const adze_host *host, void *instance, adze_call *call,
                           const adze_tensor *input, void *accumulator);
adze_status prune_merge (const adze_host *host, void *instance, void *left, const void *right);
adze_status prune_decide (const adze_host *host, void *instance, adze_call *call,
                          const void *accumulator, bool *again);
extern const adze_component prune_mask_component;
adze_status prune_report (const adze_host *host, const prune *self);

adze_status prune_check_plain (const adze_host *host, const adze_tensor *input);
adze_status prune_not_finite (const adze_host *host, const char *tensor, uint64_t element);

#endif
