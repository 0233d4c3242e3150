/* SPDX-License-Identifier: Apache-2.0 */
/* What most of a matrix is made of, by random sums of its columns. Signs are drawn rather than a bell curve, which
 * takes functions that differ from one machine to the next. */
#include "matrix.h"

enum { MANY = 256 };

/* Each number is 1 or -1. */
static adze_status
draw_signs (const adze_host *host, const char *stream, matrix *m)
{
  uint64_t bits[MANY];
  uint64_t all = (uint64_t)m->rows * m->columns;
  for (uint64_t first = 0; first < all; first += (uint64_t)MANY * 64) {
    if (!adze_random_fill (host, stream, first / 64, bits, MANY))
      return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_RANDOM);
    uint64_t some = all - first < (uint64_t)MANY * 64 ? all - first : (uint64_t)MANY * 64;
    for (uint64_t i = 0; i < some; i++)
      m->at[first + i] = bits[i / 64] >> (i % 64) & 1 ? 1 : -1;
  }
  return ADZE_OK;
}

/* FROM, orthonormal if it is not the first, times M; FROM is released. */
static adze_status
go_over (const adze_host *host, matrix *from, const matrix *m, matrix *to)
{
  matrix made = { 0 };
  adze_status status = matrix_multiply (host, from, from->rows, m, &made);
  if (status == ADZE_OK)
    status = matrix_orthonormal (host, &made, NULL);
  matrix_free (host, from);
  *to = made;
  return status;
}

adze_status
matrix_sketch (const adze_host *host, const char *stream, const matrix *m, const matrix *turned,
               size_t width, uint32_t steps, matrix *basis)
{
  adze_status status = matrix_new (host, width, m->columns, basis);
  if (status == ADZE_OK)
    status = draw_signs (host, stream, basis);
  if (status == ADZE_OK)
    status = go_over (host, basis, turned, basis);
  for (uint32_t i = 0; status == ADZE_OK && i < steps; i++) {
    status = go_over (host, basis, m, basis);
    if (status == ADZE_OK)
      status = go_over (host, basis, turned, basis);
  }
  return status;
}
