/* SPDX-License-Identifier: Apache-2.0 */
/* k_types.h: a chunk of numbers becomes blocks of each type: a search for each part, scales of scales,
 * codes, and the block's bytes, four in a word. */

/* ---- Weights. */

INLINED reals
NAMED (square_sum) (const reals *x, int count)
{
  reals sum = r_all (0);
  for (int i = 0; i < count; i++)
    sum = r_add (sum, r_mul (x[i], x[i]));
  return sum;
}

/* By importance: that of the number's column, times a length. TWICE: what is added to the square is
 * two times the mean of the block's squares. */
INLINED void
NAMED (weigh) (NAMED (chunk) *c, NAMED (weights) *w, int first, int size, reals mean)
{
  for (int k = 0; k < SIDES; k++)
    for (int i = 0; i < size; i++) {
      int at = (first + k) * size + i;
      w->of[k][i] = r_mul (c->importance[at], r_sqrt (r_add (mean, r_mul (c->x[at], c->x[at]))));
    }
}

INLINED void
NAMED (weigh_by_length) (NAMED (chunk) *c, NAMED (weights) *w, int first, int size)
{
  for (int k = 0; k < SIDES; k++) {
    const reals *x = c->x + (first + k) * size;
    reals root = r_sqrt (r_mul (NAMED (square_sum) (x, size), r_all (1.0f / 32)));
    for (int i = 0; i < size; i++)
      w->of[k][i] = size == 16 ? r_abs (x[i]) : r_add (root, r_abs (x[i]));
  }
}

/* ---- Types with an offset. */

/* What a type is besides its bytes: 256 / SIZE parts with codes up to MOST, scales up to SCALES. */
INLINED void
NAMED (search_parts) (NAMED (chunk) *c, bool importance, int size, int most, float from, int steps)
{
  NAMED (weights) w;
  bool small = size == 16;
  if (importance) {
    reals sum = NAMED (square_sum) (c->x, 256);
    reals mean = r_mul (small ? sum : r_mul (r_all (2), sum), r_all (1.0f / 256));
    for (int part = 0; part < 256 / size; part += SIDES) {
      NAMED (weigh) (c, &w, part, size, mean);
      NAMED (search_offset) (c, &w, part, size, most, -0.9f, 0.05f, 36, false);
    }
  } else
    for (int part = 0; part < 256 / size; part += SIDES) {
      NAMED (weigh_by_length) (c, &w, part, size);
      NAMED (search_offset) (c, &w, part, size, most, from, 0.1f, steps, small);
    }
}

typedef struct NAMED (scales) {
  ints scale[16], offset[16];
  /* What they are multiplied by, as binary16. */
  ints d, d_offset;
} NAMED (scales);

/* Scales (or offsets) as codes up to MOST of a byte each; returns what they are to be multiplied by. */
INLINED ints
NAMED (scale_codes) (const reals *x, const reals *weight, bool importance, int parts, int most, ints *codes)
{
  if (importance) {
    NAMED (coded) coded = { .x = x, .weight = weight };
    NAMED (code_scales) (&coded, parts, most);
    for (int j = 0; j < parts; j++)
      codes[j] = NAMED (nearest) (coded.code[j]);
    return NAMED (half) (coded.scale);
  }
  reals greatest = r_all (0);
  for (int j = 0; j < parts; j++)
    greatest = r_more (x[j], greatest);
  mask any = r_below (r_all (0), greatest);
  reals inverse = r_pick (any, r_div (r_all ((float)most), greatest), r_all (0));
  for (int j = 0; j < parts; j++)
    codes[j] = i_and (NAMED (nearest) (r_mul (inverse, x[j])), i_all (255));
  return NAMED (half) (r_div (greatest, r_all ((float)most)));
}

INLINED void
NAMED (code_parts) (NAMED (chunk) *c, bool importance, int parts, int most, NAMED (scales) *s)
{
  s->d = NAMED (scale_codes) (c->scale, c->weight, importance, parts, most, s->scale);
  s->d_offset = NAMED (scale_codes) (c->offset, c->weight, importance, parts, most, s->offset);
}

/* Codes of numbers by the scales as the block has them. */
INLINED void
NAMED (write_parts) (NAMED (chunk) *c, const NAMED (scales) *s, int size, int most)
{
  reals d = NAMED (of_half) (s->d), d_offset = NAMED (of_half) (s->d_offset), kept[32];
  for (int j = 0; j < 256 / size; j++) {
    reals scale = r_mul (d, r_of (s->scale[j])), offset = r_mul (d_offset, r_of (s->offset[j]));
    bool keeps = m_any (r_equal (scale, r_all (0)));
    for (int i = 0; i < size && keeps; i++)
      kept[i] = NAMED (code) (r_mul (r_sub (c->x[j * size + i], c->least[j]), c->inverse[j]), 0, most, 0);
    NAMED (write_codes) (c, j, size, scale, offset, 0, most, keeps ? kept : NULL);
  }
}

/* Two bits of 128 numbers in 32 bytes: of numbers 0, 32, 64, 96 in the first, and so on. */
INLINED void
NAMED (pack_twos) (const NAMED (chunk) *c, ints *to)
{
  for (int half = 0; half < 2; half++)
    for (int i = 0; i < 8; i++) {
      ints bits = i_all (0);
      for (int k = 0; k < 4; k++)
        bits = i_or (bits, i_up (i_and (c->codes[32 * half + 8 * k + i], i_all (0x03030303)), 2 * k));
      to[8 * half + i] = bits;
    }
}

static void
NAMED (encode_q2_k) (NAMED (chunk) *c, bool importance)
{
  NAMED (scales) s;
  NAMED (search_parts) (c, importance, 16, 3, -0.5f, 15);
  NAMED (code_parts) (c, importance, 16, 15, &s);
  for (int i = 0; i < 4; i++) {
    c->words[i] = i_all (0);
    for (int k = 0; k < 4; k++) {
      int j = 4 * i + k;
      ints both = i_and (i_or (s.scale[j], i_up (s.offset[j], 4)), i_all (255));
      s.scale[j] = i_and (both, i_all (15));
      s.offset[j] = i_down (both, 4);
      c->words[i] = i_or (c->words[i], i_up (both, 8 * k));
    }
  }
  NAMED (write_parts) (c, &s, 16, 3);
  NAMED (pack_twos) (c, c->words + 4);
  c->words[20] = i_or (s.d, i_up (s.d_offset, 16));
}

/* Eight scales and eight offsets of six bits in three words: four bits of the later half each in a byte,
 * the other two above the earlier half. And as they are read from there. */
INLINED void
NAMED (pack_sixes) (NAMED (scales) *s, ints *words)
{
  ints *scale = s->scale, *offset = s->offset;
  for (int i = 0; i < 3; i++)
    words[i] = i_all (0);
  for (int j = 0; j < 4; j++) {
    ints low = i_and (i_or (scale[j], i_up (i_down (scale[j + 4], 4), 6)), i_all (255));
    ints middle = i_and (i_or (offset[j], i_up (i_down (offset[j + 4], 4), 6)), i_all (255));
    ints high = i_or (i_and (scale[j + 4], i_all (15)), i_up (i_and (offset[j + 4], i_all (15)), 4));
    words[0] = i_or (words[0], i_up (low, 8 * j));
    words[1] = i_or (words[1], i_up (middle, 8 * j));
    words[2] = i_or (words[2], i_up (high, 8 * j));
    scale[j] = i_and (low, i_all (63));
    offset[j] = i_and (middle, i_all (63));
    scale[j + 4] = i_or (i_and (high, i_all (15)), i_up (i_down (low, 6), 4));
    offset[j + 4] = i_or (i_down (high, 4), i_up (i_down (middle, 6), 4));
  }
}

/* MOST: of the codes. Scales of more than six bits, which come of numbers below 0, are cut to 63, where
 * the reference does that. */
INLINED void
NAMED (encode_parts_of_32) (NAMED (chunk) *c, bool importance, int most, float from, int steps)
{
  NAMED (scales) s;
  NAMED (search_parts) (c, importance, 32, most, from, steps);
  NAMED (code_parts) (c, importance, 8, 63, &s);
  for (int j = 0; j < 8 && (!importance || most > 15); j++) {
    s.scale[j] = i_less (s.scale[j], i_all (63));
    s.offset[j] = i_less (s.offset[j], i_all (63));
  }
  c->words[0] = i_or (s.d, i_up (s.d_offset, 16));
  NAMED (pack_sixes) (&s, c->words + 1);
  NAMED (write_parts) (c, &s, 32, most);
}

/* Four bits of each code: two parts side by side. */
INLINED void
NAMED (pack_fours) (const NAMED (chunk) *c, ints *to)
{
  ints low = i_all (0x0f0f0f0f);
  for (int pair = 0; pair < 4; pair++)
    for (int i = 0; i < 8; i++)
      to[8 * pair + i] = i_or (i_and (c->codes[16 * pair + i], low),
                               i_up (i_and (c->codes[16 * pair + 8 + i], low), 4));
}

static void
NAMED (encode_q4_k) (NAMED (chunk) *c, bool importance)
{
  NAMED (encode_parts_of_32) (c, importance, 15, -1.0f, 20);
  NAMED (pack_fours) (c, c->words + 4);
}

/* Bit AT of each code of 32 goes to bit PART of a byte. */
INLINED void
NAMED (pack_ones) (const NAMED (chunk) *c, int at, ints *to)
{
  for (int i = 0; i < 8; i++) {
    to[i] = i_all (0);
    for (int part = 0; part < 8; part++)
      to[i] = i_or (to[i], i_up (i_and (i_down (c->codes[8 * part + i], at), i_all (0x01010101)), part));
  }
}

static void
NAMED (encode_q5_k) (NAMED (chunk) *c, bool importance)
{
  NAMED (encode_parts_of_32) (c, importance, 31, -0.5f, 15);
  NAMED (pack_ones) (c, 4, c->words + 4);
  NAMED (pack_fours) (c, c->words + 12);
}

/* ---- Types without an offset. */

INLINED void
NAMED (search_ratios) (NAMED (chunk) *c, NAMED (weights) *w, int first, int most)
{
  NAMED (ratio) r[PAIR];
  for (int pair = 0; pair < SIDES; pair += PAIR) {
    UNROLLED
    for (int k = 0; k < PAIR; k++) {
      r[k].x = c->x + (first + pair + k) * 16;
      r[k].weight = w->of[pair + k];
    }
    NAMED (search_ratio) (r, PAIR, 16, most, NEAR);
    UNROLLED
    for (int k = 0; k < PAIR; k++) {
      c->scale[first + pair + k] = r[k].scale;
      c->inverse[first + pair + k] = r[k].codes_inverse;
      c->none[first + pair + k] = r[k].none;
    }
  }
}

/* Codes by the scales as the block has them. Those of a search are what its scale makes of the numbers,
 * and the lowest of what is as good as nothing; MOVED: or what became of them, if not NULL. */
INLINED void
NAMED (write_ratios) (NAMED (chunk) *c, ints half, const ints *scales, int most, const NAMED (moved) *moved)
{
  reals d = NAMED (of_half) (half), kept[16];
  for (int j = 0; j < 16; j++) {
    reals scale = r_mul (d, r_of (scales[j]));
    bool keeps = m_any (r_equal (scale, r_all (0)));
    for (int i = 0; i < 16 && keeps; i++) {
      reals code = NAMED (code) (r_mul (c->inverse[j], c->x[16 * j + i]), -most, most - 1, 0);
      kept[i] = r_pick (c->none[j], r_all (-(float)most), code);
    }
    if (keeps && moved)
      NAMED (put_moved) (moved, j, kept);
    NAMED (write_codes) (c, j, 16, scale, r_all (0), -most, most - 1, keeps ? kept : NULL);
  }
}

/* Sixteen scales of six bits: four bits in two words, two of the earlier and the later half in a byte;
 * the others in a third. */
INLINED void
NAMED (pack_scales) (const ints *scales, ints *words)
{
  for (int i = 0; i < 3; i++)
    words[i] = i_all (0);
  for (int j = 0; j < 16; j++) {
    ints *low = &words[j / 4 % 2];
    *low = i_or (*low, i_up (i_and (scales[j], i_all (15)), j % 4 * 8 + j / 8 * 4));
    words[2] = i_or (words[2], i_up (i_down (scales[j], 4), j % 4 * 8 + j / 4 * 2));
  }
}

/* Scales as codes of six bits, the scale that is farthest from 0 the lowest; returns what they are
 * multiplied by. */
INLINED ints
NAMED (code_signed_scales) (const reals *x, ints *scales)
{
  reals length, farthest = NAMED (farthest) (x, 16, &length);
  mask none = r_equal (farthest, r_all (0));
  reals inverse = r_div (r_all (-32), farthest);
  for (int j = 0; j < 16; j++) {
    ints code = i_down_signed (i_up (NAMED (nearest) (r_mul (inverse, x[j])), 24), 24);
    scales[j] = i_pick (none, i_all (-32), NAMED (between) (code, -32, 31));
  }
  return i_pick (none, i_all (0), NAMED (half) (r_div (r_all (1), inverse)));
}

INLINED ints
NAMED (code_weighed_scales) (NAMED (chunk) *c, ints *scales)
{
  NAMED (ratio) r = { .x = c->scale, .weight = c->weight };
  NAMED (search_ratio) (&r, 1, 16, 32, 0);
  for (int j = 0; j < 16; j++) {
    reals code = NAMED (code) (r_mul (r.codes_inverse, c->scale[j]), -32, 31, 0);
    scales[j] = i_pick (r.none, i_all (-32), NAMED (nearest) (code));
  }
  return NAMED (half) (r.scale);
}

INLINED ints
NAMED (search_q3_weighed) (NAMED (chunk) *c, ints *scales)
{
  NAMED (weights) w;
  reals mean = r_mul (r_mul (r_all (2), NAMED (square_sum) (c->x, 256)), r_all (1.0f / 256));
  for (int part = 0; part < 16; part += SIDES) {
    NAMED (weigh) (c, &w, part, 16, mean);
    for (int k = 0; k < SIDES; k++) {
      c->weight[part + k] = r_all (0);
      for (int i = 0; i < 16; i++)
        c->weight[part + k] = r_add (c->weight[part + k], w.of[k][i]);
    }
    NAMED (search_ratios) (c, &w, part, 4);
  }
  return NAMED (code_weighed_scales) (c, scales);
}

static void
NAMED (encode_q3_k) (NAMED (chunk) *c, bool importance)
{
  ints scales[16], half;
  NAMED (moved) moved;
  if (importance)
    half = NAMED (search_q3_weighed) (c, scales);
  else {
    NAMED (search_by_moves) (c, &moved);
    half = NAMED (code_signed_scales) (c->scale, scales);
  }
  NAMED (write_ratios) (c, half, scales, 4, importance ? NULL : &moved);
  for (int j = 0; j < 16; j++)
    scales[j] = i_add (scales[j], i_all (32));
  NAMED (pack_ones) (c, 2, c->words);
  NAMED (pack_twos) (c, c->words + 8);
  NAMED (pack_scales) (scales, c->words + 24);
  c->words[27] = half;
}

/* Scales of eight bits. */
INLINED ints
NAMED (code_long_scales) (const reals *x, ints *scales, mask *none)
{
  reals length, farthest = NAMED (farthest) (x, 16, &length);
  reals inverse = r_div (r_all (-128), farthest);
  *none = r_below (length, r_all (1e-15f));
  for (int j = 0; j < 16; j++) {
    ints code = i_less (NAMED (nearest) (r_mul (inverse, x[j])), i_all (127));
    scales[j] = i_down_signed (i_up (code, 24), 24);
  }
  return NAMED (half) (r_div (r_all (1), inverse));
}

/* Four low bits of 128 numbers in 64 bytes, of numbers 0 and 64 in the first, and two high bits in 32. */
INLINED void
NAMED (pack_q6) (const NAMED (chunk) *c, ints *low, ints *high)
{
  ints fours = i_all (0x0f0f0f0f), twos = i_all (0x03030303);
  for (int half = 0; half < 2; half++) {
    const ints *codes = c->codes + 32 * half;
    for (int i = 0; i < 16; i++)
      low[16 * half + i] = i_or (i_and (codes[i], fours), i_up (i_and (codes[16 + i], fours), 4));
    for (int i = 0; i < 8; i++) {
      ints bits = i_all (0);
      for (int k = 0; k < 4; k++)
        bits = i_or (bits, i_up (i_and (i_down (codes[8 * k + i], 4), twos), 2 * k));
      high[8 * half + i] = bits;
    }
  }
}

static void
NAMED (encode_q6_k) (NAMED (chunk) *c, bool importance)
{
  NAMED (weights) w;
  ints scales[16];
  mask none;
  for (int part = 0; part < 16; part += SIDES) {
    for (int k = 0; k < SIDES; k++)
      for (int i = 0; i < 16; i++) {
        int at = (part + k) * 16 + i;
        w.of[k][i] = importance ? c->importance[at] : r_mul (c->x[at], c->x[at]);
      }
    NAMED (search_ratios) (c, &w, part, 32);
  }
  ints half = NAMED (code_long_scales) (c->scale, scales, &none);
  NAMED (write_ratios) (c, half, scales, 32, NULL);
  NAMED (pack_q6) (c, c->words, c->words + 32);
  for (int i = 0; i < 4; i++) {
    c->words[48 + i] = i_all (0);
    for (int k = 0; k < 4; k++)
      c->words[48 + i] = i_or (c->words[48 + i], i_up (i_and (scales[4 * i + k], i_all (255)), 8 * k));
  }
  c->words[52] = half;
  if (m_any (none))
    for (int i = 0; i < 53; i++)
      c->words[i] = i_pick (none, i_all (0), c->words[i]);
}

/* ---- All blocks there are, LANES at a time. */

INLINED void
NAMED (encode) (const float *values, uint64_t rows, uint64_t columns, const float *importance, uint8_t *blocks,
                uint32_t bytes, void (*type) (NAMED (chunk) *, bool))
{
  NAMED (chunk) c;
  uint64_t in_row = columns / 256, count = rows * in_row;
  for (uint64_t b = 0; b < count; b += LANES) {
    const float *weights[LANES];
    for (unsigned l = 0; l < LANES; l++) {
      /* Lanes for which there is no block have the last one, and are not written. */
      uint64_t at = b + l < count ? b + l : count - 1;
      c.from[l] = values + 256 * at;
      if (importance)
        weights[l] = importance + 256 * (at % in_row);
    }
    NAMED (lanes_in) (c.from, 256, c.x);
    if (importance)
      NAMED (lanes_in) (weights, 256, c.importance);
    type (&c, importance != NULL);
    NAMED (lanes_out) (c.words, bytes, count - b < LANES ? (int)(count - b) : LANES, blocks + bytes * b);
  }
}

#define ROWS_OF(name, bytes) \
  static void NAMED (name##_rows) (const float *values, uint64_t rows, uint64_t columns, const float *importance, \
                                   uint8_t *blocks) \
  { \
    NAMED (encode) (values, rows, columns, importance, blocks, bytes, NAMED (encode_##name)); \
  }
ROWS_OF (q2_k, 84)
ROWS_OF (q3_k, 110)
ROWS_OF (q4_k, 144)
ROWS_OF (q5_k, 176)
ROWS_OF (q6_k, 210)
#undef ROWS_OF
