/* SPDX-License-Identifier: Apache-2.0 */
/* idx.h: what the files of this plugin share.
 *   idx.c        parameters and callbacks
 *   idx_array.c  one file: its header, and its data when that is packed
 *   idx_bits.c   unpacked examples in memory, without their zeros */
#ifndef ADZE_PLUGIN_IDX_H
#define ADZE_PLUGIN_IDX_H

#include <adze/sdk.h>

#define IDX_RANK_MAX ADZE_RANK_MAX

/* How zeros are left out and put in again, on this processor. */
typedef struct idx_words idx_words;

/* Examples in memory, each in its place among the others. */
typedef struct idx_store {
  unsigned char *bytes; /* malloc'ed */
  uint32_t *starts;     /* malloc'ed: where each begins, and where the last one ends; NULL: all are as
                           long as they are, one behind the other */
  uint64_t used;
  size_t example_size;
  unsigned row; /* bytes in a row, where bits of two rows are compared; 0: they are not */
  const idx_words *words;
} idx_store;

/* One array; its first dimension counts the examples. */
typedef struct idx_array {
  const char *path; /* for messages */
  adze_file *file;
  adze_dtype dtype;
  int32_t rank;
  uint32_t shape[IDX_RANK_MAX];
  size_t example_size; /* bytes */
  uint64_t data_size;
  uint64_t data_offset; /* in the file, when it is not packed */
  idx_store store;      /* when it is */
} idx_array;

/* Checks all that can be wrong with the file, and unpacks it. The file's reader is HOST's service;
 * ARRAY is zeros. To be released also when it fails. */
adze_status idx_array_open (const adze_host *host, const char *path, idx_array *array);
void idx_array_release (idx_array *array);

/* Room for COUNT examples of SIZE bytes in rows of ROW, which takes no memory before something is in it; the product
 * is known to fit. False: there is none. */
bool idx_store_make (idx_store *store, size_t count, size_t size, size_t row);
/* Puts examples FIRST to FIRST + COUNT - 1 behind those that are there. */
void idx_store_put (idx_store *store, size_t first, const unsigned char *examples, size_t count);
/* Gives back what was not used. */
void idx_store_settle (idx_store *store);
void idx_store_get (const idx_store *store, uint64_t first, size_t count, unsigned char *into);
/* It is going to be asked for next, and AFTER behind it: in an order that no processor guesses, reading would wait
 * for memory. */
void idx_store_expect (const idx_store *store, uint64_t example, uint64_t after);
void idx_store_release (idx_store *store);

#endif
