/* SPDX-License-Identifier: Apache-2.0 */
/* imatrix_file.h: what the readers of both forms share: bytes that are gone through from front to back, each
 * looked at before it is believed. */
#ifndef ADZE_QUANTIZE_IMATRIX_FILE_H
#define ADZE_QUANTIZE_IMATRIX_FILE_H

#include "imatrix.h"

typedef struct imatrix_file {
  const adze_host *host;
  imatrix *matrix;
  const char *name; /* for messages */
  const unsigned char *bytes;
  size_t size, at;
} imatrix_file;

/* "FILE: at byte N: ...", ADZE_E_FORMAT. */
adze_status imatrix_malformed (const imatrix_file *file, size_t position, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
/* Passes over SIZE bytes, or says that WHAT is cut off. */
adze_status imatrix_skip (imatrix_file *file, uint64_t size, const char *what);
adze_status imatrix_u32 (imatrix_file *file, const char *what, uint32_t *number);
adze_status imatrix_u64 (imatrix_file *file, const char *what, uint64_t *number);
/* The SIZE bytes that were just passed over, up to a zero, as much as TEXT has room for. */
void imatrix_text (const imatrix_file *file, uint64_t size, char *text, size_t room);
/* COUNT floats from POSITION on, which are in the file, each divided by what DIVISORS has for its part of EACH;
 * 0: by nothing. NULL DIVISORS: the one DIVISOR for all. */
typedef struct imatrix_sums {
  const char *name;
  size_t position;
  uint64_t count;
  uint64_t each;
  const float *divisors;
  float divisor;
} imatrix_sums;
adze_status imatrix_add (const imatrix_file *file, const imatrix_sums *sums);

/* imatrix_gguf.c: the newer form. */
adze_status imatrix_read_gguf (imatrix_file *file);

#endif
