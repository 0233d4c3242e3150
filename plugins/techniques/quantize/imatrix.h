/* SPDX-License-Identifier: Apache-2.0 */
/* imatrix.h: the files of llama-imatrix: how much each column of a tensor counts. */
#ifndef ADZE_QUANTIZE_IMATRIX_H
#define ADZE_QUANTIZE_IMATRIX_H

#include <adze/sdk.h>

/* Of one tensor: a value for each column of each matrix in it. */
typedef struct imatrix_entry {
  char *name;
  float *values;
  uint64_t count;
  bool used;
} imatrix_entry;

enum { IMATRIX_TEXT = 128 };

typedef struct imatrix {
  adze_entries entries;     /* of imatrix_entry; none: there is no file */
  char data[IMATRIX_TEXT];  /* what it was made of, the first of several; empty: it does not say */
  uint32_t chunks;          /* of that; 0: it does not say */
} imatrix;

/* Reads the file, which may be of either form. MATRIX is empty before, and to be closed also after a failure. */
adze_status imatrix_open (const adze_host *host, const char *path, imatrix *matrix);
void imatrix_close (const adze_host *host, imatrix *matrix);

#endif
