/* SPDX-License-Identifier: Apache-2.0 */
/* k_lanes.h: what the searches and the types of 256 numbers share, once for each width of vectors.
 *
 * Each lane has a block of its own, so every sum of a block is made in the order of its numbers, which
 * is the order that the bytes depend on. A block has parts of 16 or 32 numbers with a scale each; SIDES
 * parts are searched at a time, because one alone would wait for its own sums.
 */

typedef struct NAMED (chunk) {
  const float *from[LANES];
  reals x[256];
  reals importance[256];
  /* Of each part: what its search found, and the sum of its weights. */
  reals scale[16], offset[16], weight[16];
  /* What made its codes in the search: (x - least) * inverse; or, where all are NONE, nothing. */
  reals inverse[16], least[16];
  mask none[16];
  /* Four codes of eight bits in a row. */
  ints codes[64];
  /* The finished block; what is above its bytes is not looked at. */
  ints words[64];
} NAMED (chunk);

/* To the nearest whole number, to an even one of two. Beyond 22 bits, and of NaN, what the reference
 * makes of it by looking at the bits. */
INLINED ints
NAMED (nearest) (reals v)
{
  ints bits = r_bits (r_add (v, r_all (12582912.0f)));
  return i_sub (i_and (bits, i_all (0x007fffff)), i_all (0x00400000));
}

INLINED ints
NAMED (between) (ints v, int low, int high)
{
  return i_more (i_less (v, i_all (high)), i_all (low));
}

/* The same two, as numbers. KNOWN says of V what has not to be looked at: that all of it is within 22
 * bits, and then, that none is above HIGH or below LOW. */
INLINED reals
NAMED (code) (reals v, int low, int high, unsigned known)
{
  if (!(known & NEAR))
    return r_of (NAMED (between) (NAMED (nearest) (v), low, high));
  reals middle = r_all (12582912.0f), code = r_add (v, middle);
  if (!(known & NOT_ABOVE))
    code = r_less (code, r_all (12582912.0f + (float)high));
  if (!(known & NOT_BELOW))
    code = r_more (code, r_all (12582912.0f + (float)low));
  return r_sub (code, middle);
}

/* Binary16 out of binary32, to the nearest, to an even one of two. NaN comes of infinite sums, with the
 * sign that x86 gives it, which not every processor does. */
INLINED ints
NAMED (half) (reals x)
{
  ints bits = r_bits (x), size = i_and (bits, i_all (0x7fffffff));
  ints odd = i_and (i_down (size, 13), i_all (1));
  ints normal = i_down (i_sub (i_add (i_add (size, i_all (0xfff)), odd), i_all (112 << 23)), 13);
  /* In a sum with 0.5 the last bit is the smallest that binary16 has. */
  ints small = i_sub (r_bits (r_add (i_reals (size), r_all (0.5f))), i_all (0x3f000000));
  ints half = i_pick (i_below (size, i_all (113 << 23)), small, i_less (normal, i_all (0x7c00)));
  half = i_or (half, i_and (i_down (bits, 16), i_all (0x8000)));
  return i_pick (i_below (i_all (0x7f800000), size), i_all (0xfe00), half);
}

INLINED reals
NAMED (of_half) (ints half)
{
  ints size = i_up (i_and (half, i_all (0x7fff)), 13);
  reals x = r_mul (i_reals (size), r_all (0x1p112f));
  x = i_reals (i_or (r_bits (x), i_pick (i_below (size, i_all (0x7c00 << 13)), i_all (0), i_all (0x7f800000))));
  return i_reals (i_or (r_bits (x), i_up (i_and (half, i_all (0x8000)), 16)));
}

/* The number that is farthest from 0, and how far it is. */
INLINED reals
NAMED (farthest) (const reals *x, int size, reals *length)
{
  reals farthest = r_all (0);
  *length = r_all (0);
  for (int i = 0; i < size; i++) {
    reals here = r_abs (x[i]);
    mask more = r_below (*length, here);
    *length = r_pick (more, here, *length);
    farthest = r_pick (more, x[i], farthest);
  }
  return farthest;
}

/* The same; where all numbers are as good as nothing, 1, for a range that is harmless. */
INLINED reals
NAMED (farthest_or_one) (const reals *x, int size, mask *none)
{
  reals length, farthest = NAMED (farthest) (x, size, &length);
  *none = r_below (length, r_all (1e-15f));
  return r_pick (*none, r_all (1), farthest);
}

/* Four codes of a part in a row, V / D each to the nearest, most probably: without a division, which takes as long
 * as ten other operations. The product with the INVERSE is off by less than a few millionths of a code where codes
 * are up to 64, and what is beyond them is cut to them anyway. Where that may make another code of it, and where
 * nothing is known, it is not SURE. Bits of what 12582912 is added to count whole numbers. */
INLINED ints
NAMED (four_codes) (const reals *x, reals inverse, reals offset, int low, int high, mask *sure)
{
  const uint32_t zero = UINT32_C (0x4b400000) + (uint32_t)low;
  reals middle = r_all (12582912.0f);
  ints four = i_all ((int)-(zero + (zero << 8) + (zero << 16) + (zero << 24)));
  UNROLLED
  for (int i = 0; i < 4; i++) {
    reals quotient = r_mul (low ? x[i] : r_add (x[i], offset), inverse), code = r_add (quotient, middle);
    reals off = r_abs (r_sub (quotient, r_sub (code, middle)));
    *sure = m_and (*sure, m_and (r_below (off, r_all (0.4999f)), r_below (r_abs (quotient), r_all (0x1p20f))));
    code = r_more (r_less (code, r_all (12582912.0f + (float)high)), r_all (12582912.0f + (float)low));
    four = i_add (four, i_up (r_bits (code), 8 * i));
  }
  return four;
}

/* The codes of part PART with the scale D and the offset OFFSET, LOW to HIGH, written from 0 on. Where the
 * scale was rounded to nothing, the reference leaves what its search had: KEPT, needed only then. */
INLINED void
NAMED (write_codes) (NAMED (chunk) *c, int part, int size, reals d, reals offset, int low, int high,
                     const reals *kept)
{
  const reals *x = c->x + part * size;
  reals inverse = r_div (r_all (1), d);
  mask none = r_equal (d, r_all (0)), sure = m_not (m_never ());
  for (int word = 0; word < size / 4; word++)
    c->codes[part * size / 4 + word] = NAMED (four_codes) (x + 4 * word, inverse, offset, low, high, &sure);
  if (!kept && !m_any (m_not (sure)))
    return;
  for (int word = 0; word < size / 4; word++) {
    ints four = i_all (0);
    UNROLLED
    for (int i = 0; i < 4; i++) {
      reals v = low ? x[4 * word + i] : r_add (x[4 * word + i], offset);
      ints code = NAMED (between) (NAMED (nearest) (r_div (v, d)), low, high);
      if (kept)
        code = i_pick (none, NAMED (nearest) (kept[4 * word + i]), code);
      four = i_or (four, i_up (i_sub (code, i_all (low)), 8 * i));
    }
    c->codes[part * size / 4 + word] = four;
  }
}
