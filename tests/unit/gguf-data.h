/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers to be put into blocks of GGUF: the same for a seed on every machine, since all is made of whole
 * numbers, of the four operations and of roots. */
#ifndef TESTS_UNIT_GGUF_DATA_H
#define TESTS_UNIT_GGUF_DATA_H

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct gguf_random {
  uint64_t state;
} gguf_random;

static inline uint64_t
gguf_random_bits (gguf_random *random)
{
  uint64_t x = random->state += UINT64_C (0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C (0x94d049bb133111eb);
  return x ^ x >> 31;
}

/* Above 0 and below 1. */
static inline double
gguf_random_part (gguf_random *random)
{
  return ((double)(gguf_random_bits (random) >> 12) + 0.5) * 0x1p-52;
}

/* Near enough to a Gaussian: a sum of sixteen numbers of sixteen bits. */
static inline float
gguf_random_gaussian (gguf_random *random)
{
  int64_t sum = 0;
  for (int i = 0; i < 4; i++)
    for (uint64_t bits = gguf_random_bits (random), k = 0; k < 4; k++, bits >>= 16)
      sum += (int64_t)(bits & 0xffff) - 0x8000;
  return (float)((double)sum / 75674.0);
}

/* Student's, with two degrees of freedom: no variance. */
static inline float
gguf_random_tailed (gguf_random *random)
{
  double part = gguf_random_part (random);
  return (float)((2 * part - 1) / sqrt (2 * part * (1 - part)));
}

static inline float
gguf_random_finite (gguf_random *random)
{
  uint32_t bits = (uint32_t)gguf_random_bits (random);
  float x;
  if ((bits & 0x7f800000) == 0x7f800000)
    bits ^= 0x40000000;
  memcpy (&x, &bits, sizeof x);
  return x;
}

#define GGUF_DATA_KINDS(X) \
  X (gaussian) \
  X (outliers) \
  X (tailed) \
  X (constant) \
  X (zero) \
  X (one_outlier) \
  X (denormal) \
  X (tiny) \
  X (huge) \
  X (grid) \
  X (negative) \
  X (positive) \
  X (offset) \
  X (sparse) \
  X (scaled_parts) \
  X (any_bits)

#define GGUF_DATA_NAME(name) GGUF_DATA_##name,
typedef enum gguf_data_kind { GGUF_DATA_KINDS (GGUF_DATA_NAME) GGUF_DATA_COUNT } gguf_data_kind;
#undef GGUF_DATA_NAME

static inline const char *
gguf_data_name (gguf_data_kind kind)
{
#define GGUF_DATA_NAME(name) #name,
  static const char *const names[] = { GGUF_DATA_KINDS (GGUF_DATA_NAME) };
#undef GGUF_DATA_NAME
  return names[kind];
}

/* Number I of a row; SIZE is one of 32 numbers' own. */
static inline float
gguf_data_number (gguf_data_kind kind, gguf_random *random, uint64_t i, float size)
{
  float x = gguf_random_gaussian (random);
  switch (kind) {
  case GGUF_DATA_gaussian: return x * 0.02f;
  case GGUF_DATA_outliers: return gguf_random_bits (random) % 100 == 0 ? x * 0.6f : x * 0.02f;
  case GGUF_DATA_tailed: return gguf_random_tailed (random) * 0.02f;
  case GGUF_DATA_constant: return -0.37f;
  case GGUF_DATA_zero: return 0;
  case GGUF_DATA_one_outlier: return i == 77 ? 9.0f : x * 0.01f;
  case GGUF_DATA_denormal: return x * 1e-40f;
  case GGUF_DATA_tiny: return x * 1e-30f;
  case GGUF_DATA_huge: return x * 1e30f;
  case GGUF_DATA_grid: return (float)((int)(x * 4)) * 0.125f;
  case GGUF_DATA_negative: return -fabsf (x) - 0.01f;
  case GGUF_DATA_positive: return fabsf (x) + 0.5f;
  case GGUF_DATA_offset: return x * 1e-4f - 1000;
  case GGUF_DATA_sparse: return gguf_random_bits (random) % 8 ? 0 : x;
  case GGUF_DATA_scaled_parts: return x * size;
  case GGUF_DATA_any_bits: return gguf_random_finite (random);
  case GGUF_DATA_COUNT: break;
  }
  return x;
}

static inline void
gguf_data_fill (gguf_data_kind kind, uint64_t seed, uint64_t rows, uint64_t columns, float *to)
{
  gguf_random random = { seed * 64 + kind };
  float size = 1;
  for (uint64_t r = 0; r < rows; r++)
    for (uint64_t i = 0; i < columns; i++) {
      if (i % 32 == 0)
        size = gguf_random_tailed (&random) * gguf_random_tailed (&random);
      *to++ = gguf_data_number (kind, &random, i, size);
    }
}

#define GGUF_IMPORTANCE_KINDS 4

static inline const char *
gguf_importance_name (unsigned kind)
{
  static const char *const names[] = { "none", "positive", "with zeros", "tailed" };
  return names[kind];
}

/* One number for each column; NULL is returned for kind 0. */
static inline const float *
gguf_importance_fill (unsigned kind, uint64_t seed, uint64_t columns, float *to)
{
  gguf_random random = { seed * 64 + 32 + kind };
  for (uint64_t i = 0; i < columns; i++) {
    float part = (float)gguf_random_part (&random), tailed = gguf_random_tailed (&random);
    to[i] = kind == 1 ? part : kind == 2 ? part < 0.5f ? 0 : part : tailed * tailed;
  }
  return kind ? to : 0;
}

#endif
