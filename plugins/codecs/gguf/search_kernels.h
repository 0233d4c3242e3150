/* SPDX-License-Identifier: Apache-2.0 */
/* search_kernels.h: q4_0 to q5_1 with an importance, once for each width of vectors. A lane has a block, SIDES
 * times: side by side they are searched as the parts of K-quants are. */

enum { NAMED (AT_ONCE) = SIDES * LANES };

typedef struct NAMED (blocks) {
  uint64_t first;
  NAMED (chunk) c;
  NAMED (weights) w;
  /* Of each block: what it has, what its codes were made with, and 0 where all of them are the lowest. */
  float scale[NAMED (AT_ONCE)], least[NAMED (AT_ONCE)];
  float inverse[NAMED (AT_ONCE)], from[NAMED (AT_ONCE)], any[NAMED (AT_ONCE)];
} NAMED (blocks);

/* The mean of squares of each row, added up from its beginning: a lane has a row. */
static void
NAMED (mean_squares) (const float *values, uint64_t rows, uint64_t columns, float *means)
{
  for (uint64_t row = 0; row < rows; row += LANES) {
    const float *from[LANES];
    reals x[32], sum = r_all (0);
    for (unsigned l = 0; l < LANES; l++)
      from[l] = values + columns * (row + l < rows ? row + l : rows - 1);
    for (uint64_t column = 0; column < columns; column += 32) {
      NAMED (lanes_in) (from, 32, x);
      for (int i = 0; i < 32; i++)
        sum = r_add (sum, r_mul (x[i], x[i]));
      for (unsigned l = 0; l < LANES; l++)
        from[l] += 32;
    }
    sum = r_div (sum, r_all ((float)columns));
    memcpy (means + row, &sum, sizeof sum);
  }
}

/* The last block stands for those that there are not. */
INLINED void
NAMED (read_blocks) (const stretch *s, NAMED (blocks) *b, int side)
{
  const float *from[LANES], *importance[LANES];
  reals *x = b->c.x + 32 * side, *weight = b->w.of[side], mean;
  float means[LANES];
  for (unsigned l = 0; l < LANES; l++) {
    uint64_t at = b->first + (unsigned)side * LANES + l;
    at = at < s->count ? at : s->count - 1;
    from[l] = s->values + 32 * at;
    importance[l] = s->importance + 32 * (at % s->in_row);
    means[l] = s->means[at / s->in_row];
  }
  NAMED (lanes_in) (from, 32, x);
  NAMED (lanes_in) (importance, 32, weight);
  memcpy (&mean, means, sizeof mean);
  for (int i = 0; i < 32; i++)
    weight[i] = r_mul (weight[i], r_sqrt (r_add (mean, r_mul (x[i], x[i]))));
}

/* To the places of a side. */
INLINED void
NAMED (keep) (float *to, int side, reals found)
{
  memcpy (to + side * LANES, &found, sizeof found);
}

static void
NAMED (search_around_zero) (NAMED (blocks) *b, int most)
{
  NAMED (ratio) r[SIDES];
  UNROLLED
  for (int k = 0; k < SIDES; k++) {
    r[k].x = b->c.x + 32 * k;
    r[k].weight = b->w.of[k];
  }
  NAMED (search_ratio) (r, SIDES, 32, most, NEAR);
  UNROLLED
  for (int k = 0; k < SIDES; k++) {
    NAMED (keep) (b->scale, k, r[k].scale);
    NAMED (keep) (b->inverse, k, r[k].codes_inverse);
    NAMED (keep) (b->from, k, r_all (0));
    NAMED (keep) (b->any, k, r_pick (r[k].none, r_all (0), r_all (1)));
  }
}

static void
NAMED (search_from_least) (NAMED (blocks) *b, int most)
{
  NAMED (search_offset) (&b->c, &b->w, 0, 32, most, -0.9f, 0.05f, 36, false);
  UNROLLED
  for (int k = 0; k < SIDES; k++) {
    NAMED (keep) (b->scale, k, b->c.scale[k]);
    NAMED (keep) (b->least, k, r_neg (b->c.offset[k]));
    NAMED (keep) (b->inverse, k, b->c.inverse[k]);
    NAMED (keep) (b->from, k, b->c.least[k]);
    NAMED (keep) (b->any, k, r_all (1));
  }
}

/* The codes of block L, from 0 on. */
INLINED codes
NAMED (found_codes) (const stretch *s, const NAMED (blocks) *b, unsigned l, int low, int high)
{
  span x = s_in (s->values + 32 * (b->first + l));
  if (b->any[l] == 0)
    return c_all (0);
  codes c = c_even (s_times (s_minus (x, b->from[l]), b->inverse[l]), low, high);
  return c_add (c, c_all (-low));
}

static void
NAMED (put_q4_0) (const stretch *s, const NAMED (blocks) *b, unsigned l, uint8_t *to)
{
  gguf_put_scale (to, b->scale[l]);
  c_nibbles (NAMED (found_codes) (s, b, l, -8, 7), to + 2);
}

static void
NAMED (put_q5_0) (const stretch *s, const NAMED (blocks) *b, unsigned l, uint8_t *to)
{
  codes c = NAMED (found_codes) (s, b, l, -16, 15);
  gguf_put_scale (to, b->scale[l]);
  gguf_put_word (to + 2, c_fifths (c));
  c_nibbles (c, to + 6);
}

static void
NAMED (put_q4_1) (const stretch *s, const NAMED (blocks) *b, unsigned l, uint8_t *to)
{
  gguf_put_scale (to, b->scale[l]);
  gguf_put_scale (to + 2, b->least[l]);
  c_nibbles (NAMED (found_codes) (s, b, l, 0, 15), to + 4);
}

static void
NAMED (put_q5_1) (const stretch *s, const NAMED (blocks) *b, unsigned l, uint8_t *to)
{
  codes c = NAMED (found_codes) (s, b, l, 0, 31);
  gguf_put_scale (to, b->scale[l]);
  gguf_put_scale (to + 2, b->least[l]);
  gguf_put_word (to + 4, c_fifths (c));
  c_nibbles (c, to + 8);
}

/* ---- All blocks of some rows. */

#define EACH_BLOCK(id, bytes, search, most) \
  static void NAMED (id) (const stretch *s, uint8_t *to) \
  { \
    NAMED (blocks) b; \
    for (b.first = 0; b.first < s->count; b.first += NAMED (AT_ONCE)) { \
      for (int k = 0; k < SIDES; k++) \
        NAMED (read_blocks) (s, &b, k); \
      NAMED (search) (&b, most); \
      for (unsigned l = 0; l < NAMED (AT_ONCE) && b.first + l < s->count; l++, to += bytes) \
        NAMED (put_##id) (s, &b, l, to); \
    } \
  }

EACH_BLOCK (q4_0, 18, search_around_zero, 8)
EACH_BLOCK (q5_0, 22, search_around_zero, 16)
EACH_BLOCK (q4_1, 20, search_from_least, 15)
EACH_BLOCK (q5_1, 24, search_from_least, 31)

#undef EACH_BLOCK
