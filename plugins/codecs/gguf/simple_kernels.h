/* SPDX-License-Identifier: Apache-2.0 */
/* simple_kernels.h: the types that need no search: the scale comes from the greatest number of the block. Included
 * once for each width, behind lanes_*.h and span_*.h.
 *
 * A group is LANES blocks or, at the end, fewer: what there is one of for each block is made for all of them
 * at a time. With denormal scales the inverse is infinite, and what instructions make of what then comes
 * differs: such groups are left to the scalar form. */

typedef struct NAMED (group) {
  const float *x;
  unsigned count;
  reals scale;
  float inverse[LANES], least[LANES];
  int32_t halves[LANES];
} NAMED (group);

/* The vectors of block L that are folded; the last block stands for those that there are not. */
INLINED span
NAMED (span_of_lane) (const NAMED (group) *g, unsigned l)
{
  return s_in (g->x + 32 * (l < g->count ? l : g->count - 1));
}

INLINED reals
NAMED (sizes) (const NAMED (group) *g)
{
  reals parts[LANES];
  for (unsigned l = 0; l < LANES; l++)
    parts[l] = s_sizes (NAMED (span_of_lane) (g, l));
  return r_fold_most (parts);
}

INLINED void
NAMED (extents) (const NAMED (group) *g, reals *least, reals *most)
{
  reals leasts[LANES], mosts[LANES];
  for (unsigned l = 0; l < LANES; l++) {
    span s = NAMED (span_of_lane) (g, l);
    leasts[l] = s_least (s);
    mosts[l] = s_most (s);
  }
  *least = r_fold_least (leasts);
  *most = r_fold_most (mosts);
}

/* The number of the greatest magnitude; where it and its negative are both there, the first of them, and of
 * zeros +0. */
INLINED reals
NAMED (extremes) (const NAMED (group) *g)
{
  reals least, most;
  NAMED (extents) (g, &least, &most);
  mask equal = r_equal (most, r_neg (least));
  reals extreme = r_pick (r_below (r_neg (least), most), most, least);
  if (m_any (equal)) {
    float sizes[LANES], extremes[LANES];
    memcpy (sizes, &most, sizeof sizes);
    memcpy (extremes, &extreme, sizeof extremes);
    for (unsigned l = 0; l < g->count; l++)
      if (fabsf (extremes[l]) == sizes[l])
        extremes[l] = sizes[l] > 0 ? first_of_size (g->x + 32 * l, sizes[l]) : 0;
    memcpy (&extreme, extremes, sizeof extremes);
  }
  return extreme;
}

/* The least numbers, of several zeros the first, and how far the greatest are from them. The distance of equal
 * numbers is +0, whatever the signs of zeros are. */
INLINED reals
NAMED (ranges) (NAMED (group) *g)
{
  reals least, most;
  NAMED (extents) (g, &least, &most);
  memcpy (g->least, &least, sizeof least);
  if (m_any (r_equal (least, r_all (0)))) {
    for (unsigned l = 0; l < g->count; l++)
      if (g->least[l] == 0)
        g->least[l] = first_of_size (g->x + 32 * l, 0);
  }
  return r_add (r_sub (most, least), r_all (0));
}

/* False: these are for the scalar form. */
INLINED bool
NAMED (begin) (NAMED (group) *g, reals scale)
{
  reals inverse = r_pick (r_equal (scale, r_all (0)), r_all (0), r_div (r_all (1), scale));
  reals most = r_all (FLT_MAX);
  mask wild = m_or (r_below (most, r_abs (inverse)), r_below (most, r_abs (scale)));
  ints halves = NAMED (half) (scale);
  g->scale = scale;
  memcpy (g->inverse, &inverse, sizeof inverse);
  memcpy (g->halves, &halves, sizeof halves);
  return LANES == 1 || !m_any (wild);
}

static void
NAMED (q8_0) (const float *x, unsigned count, uint8_t *to)
{
  NAMED (group) g = { .x = x, .count = count };
  if (!NAMED (begin) (&g, r_div (NAMED (sizes) (&g), r_all (127)))) {
    q8_0_blocks_simple_scalar (x, count, to);
    return;
  }
  for (unsigned l = 0; l < count; l++, x += 32, to += 34) {
    gguf_put_bits (to, g.halves[l]);
    c_bytes (c_near (s_times (s_in (x), g.inverse[l])), to + 2);
  }
}

static void
NAMED (q4_0) (const float *x, unsigned count, uint8_t *to)
{
  NAMED (group) g = { .x = x, .count = count };
  if (!NAMED (begin) (&g, r_div (NAMED (extremes) (&g), r_all (-8)))) {
    q4_0_blocks_simple_scalar (x, count, to);
    return;
  }
  for (unsigned l = 0; l < count; l++, x += 32, to += 18) {
    gguf_put_bits (to, g.halves[l]);
    c_nibbles (c_at_most (c_cut (s_times (s_in (x), g.inverse[l]), 8.5f), 15), to + 2);
  }
}

static void
NAMED (q5_0) (const float *x, unsigned count, uint8_t *to)
{
  NAMED (group) g = { .x = x, .count = count };
  if (!NAMED (begin) (&g, r_div (NAMED (extremes) (&g), r_all (-16)))) {
    q5_0_blocks_simple_scalar (x, count, to);
    return;
  }
  for (unsigned l = 0; l < count; l++, x += 32, to += 22) {
    codes c = c_at_most (c_cut (s_times (s_in (x), g.inverse[l]), 16.5f), 31);
    gguf_put_bits (to, g.halves[l]);
    gguf_put_word (to + 2, c_fifths (c));
    c_nibbles (c, to + 6);
  }
}

static void
NAMED (q4_1) (const float *x, unsigned count, uint8_t *to)
{
  NAMED (group) g = { .x = x, .count = count };
  if (!NAMED (begin) (&g, r_div (NAMED (ranges) (&g), r_all (15)))) {
    q4_1_blocks_simple_scalar (x, count, to);
    return;
  }
  for (unsigned l = 0; l < count; l++, x += 32, to += 20) {
    span above = s_minus (s_in (x), g.least[l]);
    gguf_put_bits (to, g.halves[l]);
    gguf_put_half (to + 2, g.least[l]);
    c_nibbles (c_at_most (c_cut (s_times (above, g.inverse[l]), 0.5f), 15), to + 4);
  }
}

static void
NAMED (q5_1) (const float *x, unsigned count, uint8_t *to)
{
  NAMED (group) g = { .x = x, .count = count };
  if (!NAMED (begin) (&g, r_div (NAMED (ranges) (&g), r_all (31)))) {
    q5_1_blocks_simple_scalar (x, count, to);
    return;
  }
  for (unsigned l = 0; l < count; l++, x += 32, to += 24) {
    codes c = c_cut (s_times (s_minus (s_in (x), g.least[l]), g.inverse[l]), 0.5f);
    gguf_put_bits (to, g.halves[l]);
    gguf_put_half (to + 2, g.least[l]);
    gguf_put_word (to + 4, c_fifths (c));
    c_nibbles (c, to + 8);
  }
}

/* Numbers of 0, 1, 2, 3, 4, 6, 8, 12 times half a power of two. Halfway between two, the one nearer to zero is
 * taken; one that no float32 holds is not. */
static void
NAMED (mxfp4) (const float *x, unsigned count, uint8_t *to)
{
  static const float limits[] = { 0.5f, 1.5f, 2.5f, 3.5f, 5, 7, 10 };
  enum { MOST_EXPONENT = 252 };
  NAMED (group) g = { .x = x, .count = count };
  reals size = NAMED (sizes) (&g);
  float sizes[LANES];
  memcpy (sizes, &size, sizeof size);
  for (unsigned l = 0; l < count; l++, x += 32, to += 17) {
    span s = s_in (x);
    codes c = c_all (0);
    to[0] = exponent_for (sizes[l]);
    float scale = gguf_half_power (to[0]);
    for (int i = 0; i < (to[0] > MOST_EXPONENT ? 5 : 7); i++)
      c = c_count (c, s, limits[i] * scale);
    c_nibbles (c_signed (c, s), to + 1);
  }
}

/* ---- Three values, -1, 0 and 1 times the greatest magnitude of 256 numbers: eight spans. */

INLINED bool
NAMED (begin_ternary) (NAMED (group) *g, const float *x)
{
  reals size = r_all (0), sizes[LANES];
  for (int i = 0; i < 256; i += 32)
    size = r_more (size, s_sizes (s_in (x + i)));
  for (unsigned l = 0; l < LANES; l++)
    sizes[l] = size;
  g->count = 1;
  return NAMED (begin) (g, r_fold_most (sizes));
}

INLINED codes
NAMED (ternary) (const float *x, float inverse)
{
  return c_near (s_times (s_in (x), inverse));
}

static void
NAMED (tq2_0) (const float *x, uint8_t *to)
{
  NAMED (group) g;
  if (!NAMED (begin_ternary) (&g, x)) {
    tq2_0_simple_scalar (x, to);
    return;
  }
  for (int half = 0; half < 2; half++, x += 128, to += 32) {
    codes c = c_all (0x55);
    c = c_add (c, NAMED (ternary) (x, g.inverse[0]));
    c = c_add (c, c_up (NAMED (ternary) (x + 32, g.inverse[0]), 2));
    c = c_add (c, c_up (NAMED (ternary) (x + 64, g.inverse[0]), 4));
    c = c_add (c, c_up (NAMED (ternary) (x + 96, g.inverse[0]), 6));
    c_bytes (c, to);
  }
  gguf_put_bits (to, g.halves[0]);
}

/* Five values to a byte, as digits behind the point: whoever reads multiplies by 3 and has one above it. */
static void
NAMED (tq1_0) (const float *x, uint8_t *to)
{
  NAMED (group) g;
  if (!NAMED (begin_ternary) (&g, x)) {
    tq1_0_simple_scalar (x, to);
    return;
  }
  uint8_t digits[52], rest[96];
  codes c = c_all (0), one = c_all (1);
  for (int i = 0; i < 5; i++)
    c = c_add (c_add (c, c_up (c, 1)), c_add (NAMED (ternary) (x + 32 * i, g.inverse[0]), one));
  c_bytes (c, digits);
  for (int i = 0; i < 3; i++)
    c_bytes (c_add (NAMED (ternary) (x + 160 + 32 * i, g.inverse[0]), one), rest + 32 * i);
  digits_of_rest (rest, digits + 32);
  for (int i = 0; i < 52; i++)
    to[i] = (uint8_t)((digits[i] * 256 + 242) / 243);
  gguf_put_bits (to + 52, g.halves[0]);
}

/* ---- All blocks. */

#define EACH_GROUP(id, bytes) \
  static void NAMED (id##_blocks) (const float *x, uint64_t count, uint8_t *to) \
  { \
    for (uint64_t b = 0; b < count; b += LANES) \
      NAMED (id) (x + 32 * b, count - b < LANES ? (unsigned)(count - b) : LANES, to + bytes * b); \
  }

#define EACH_TERNARY(id, bytes) \
  static void NAMED (id##_blocks) (const float *x, uint64_t count, uint8_t *to) \
  { \
    for (uint64_t b = 0; b < count; b++) \
      NAMED (id) (x + 256 * b, to + bytes * b); \
  }

EACH_GROUP (q8_0, 34)
EACH_GROUP (q4_0, 18)
EACH_GROUP (q4_1, 20)
EACH_GROUP (q5_0, 22)
EACH_GROUP (q5_1, 24)
EACH_GROUP (mxfp4, 17)
EACH_TERNARY (tq1_0, 54)
EACH_TERNARY (tq2_0, 66)

#undef EACH_GROUP
#undef EACH_TERNARY
