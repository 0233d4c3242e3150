/* SPDX-License-Identifier: Apache-2.0 */
/* Matrices of float64 for low-rank, row after row, and what is computed with them. Work is cut by what is given,
 * never by threads, and each sum has one order: the bytes are the same for any number of threads and any width of
 * vectors. */
#ifndef LOW_RANK_MATRIX_H
#define LOW_RANK_MATRIX_H

#include <stddef.h>

#include <adze/sdk.h>

typedef struct matrix {
  double *at;
  size_t rows, columns;
} matrix;

static inline double *
matrix_row (const matrix *m, size_t row)
{
  return m->at + row * m->columns;
}

/* ---- matrix.c */

/* All zeros. */
adze_status matrix_new (const adze_host *host, size_t rows, size_t columns, matrix *made);
/* Also of one that is all zeros and was never made. */
void matrix_free (const adze_host *host, matrix *m);
/* TURNED is made. */
adze_status matrix_turn (const adze_host *host, const matrix *m, matrix *turned);
adze_status matrix_copy (const adze_host *host, const matrix *m, matrix *copy);
/* PRODUCT is made: the first ROWS rows of A, times B. */
adze_status matrix_multiply (const adze_host *host, const matrix *a, size_t rows, const matrix *b,
                             matrix *product);
/* Adds to two rows of C, COUNT columns of it, the products of DEEP numbers of each of A's rows and as many rows of
 * B; c and b lie COLUMNS apart. */
void matrix_panel (const double *a, size_t a_columns, const double *b, size_t columns, double *c, size_t deep,
                   size_t count);
double matrix_dot (const double *x, const double *y, size_t count);
/* y += f x */
void matrix_add (double f, const double *x, double *y, size_t count);
/* row += f x + g y */
void matrix_add_two (double f, const double *x, double g, const double *y, double *row, size_t count);
/* (x, y) becomes (c x - s y, s x + c y). */
void matrix_rotate (double c, double s, double *x, double *y, size_t count);
/* Makes the rows orthonormal, each out of itself and those above it; one that these make up already becomes
 * zeros. PARTS (NULL: not wanted) gets the triangle for which the rows were PARTS times what they are now: all
 * zeros before, of as many columns as rows. */
adze_status matrix_orthonormal (const adze_host *host, matrix *m, matrix *parts);

/* ---- spectrum.c */

/* The squares of M's singular values, the largest first; as many as M has rows, which are not more than its
 * columns. TURNED is M, turned. */
adze_status matrix_spectrum (const adze_host *host, const matrix *m, const matrix *turned, double *squares);

/* ---- svd.c */

/* Of M, which has at most as many rows as columns, the RANK largest singular values; LEFT and RIGHT are made, and
 * have the vectors of each as a row. */
adze_status matrix_svd (const adze_host *host, const matrix *m, size_t rank, double *values, matrix *left,
                        matrix *right);

/* ---- sketch.c */

/* WIDTH orthonormal rows, of as many columns as M has rows, that catch most of what M's columns are made of: random
 * sums of these, with STEPS of going over M and back. Which ones are drawn goes by STREAM. BASIS is made. */
adze_status matrix_sketch (const adze_host *host, const char *stream, const matrix *m, const matrix *turned,
                           size_t width, uint32_t steps, matrix *basis);

#endif
