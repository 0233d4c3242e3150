/* SPDX-License-Identifier: Apache-2.0 */
/* idx.h: what the two files of this plugin share.
 *   idx.c        parameters and callbacks
 *   idx_array.c  one file: its header, and its data when that is packed */
#ifndef ADZE_PLUGIN_IDX_H
#define ADZE_PLUGIN_IDX_H

#include <adze/sdk.h>

#define IDX_RANK_MAX ADZE_RANK_MAX

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
  unsigned char *data;  /* malloc'ed, when it is */
} idx_array;

/* Checks all that can be wrong with the file, and unpacks it. The file's reader is HOST's service;
 * ARRAY is zeros. To be released also when it fails. */
adze_status idx_array_open (const adze_host *host, const char *path, idx_array *array);
void idx_array_release (idx_array *array);

#endif
