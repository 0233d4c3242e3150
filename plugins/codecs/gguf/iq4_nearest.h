/* SPDX-License-Identifier: Apache-2.0 */
/* iq4_nearest.h: the nearest of the sixteen values, of two equally near ones the greater; included once for each
 * width.
 *
 *   NAMED (nearest_value) (x)  the value itself; X is at most IQ4_FARTHEST from 0
 *   NAMED (nearest_place) (x)  its place in the table, as well
 *
 * A search through the sixteen would be four steps that wait for each other. Vectors cut the range into cells
 * instead, in each of which at most one border between two values lies: the cell says which border the number is
 * compared with, and what is nearest is the value at the beginning of the cell or, beyond the border, of the next
 * one. On which side of the edge of a cell a number falls does not matter, since no border is near there. */

#if LANES == 1

INLINED ints
NAMED (nearest_place) (reals x)
{
  ints place = 0;
  for (int step = 8; step > 0; step /= 2)
    place += x >= iq4_borders[place + step - 1] ? step : 0;
  return place;
}

INLINED reals
NAMED (nearest_value) (reals x)
{
  return gguf_iq4_values[NAMED (nearest_place) (x)];
}

#elif LANES == 8

/* Sixteen cells, one around 0 and the others wider the farther they are, as the values are: which one is a
 * parabola of the number, to either side. In the low byte of what is returned: 1 more than the place. */
INLINED ints
NAMED (cell_and_side) (reals x)
{
  /* By the cells from -8 on, and by those from 0 on; the latter's first is the former's as well, for numbers
   * below 0. */
  reals below = _mm256_setr_ps (-4.5f, -115.5f, -93.5f, -74, -57, -42, -28.5f, -16);
  reals above = _mm256_setr_ps (-4.5f, 7, 19, 31.5f, 45.5f, 61, 79, 101);
  reals slope = r_sub (r_all (0.0908f), r_mul (r_all (0.000261f), r_abs (x)));
  ints cell = r_bits (r_add (r_mul (slope, x), r_all (12582912.0f + 8)));
  reals border
      = _mm256_blendv_ps (_mm256_permutevar8x32_ps (above, cell), _mm256_permutevar8x32_ps (below, cell), x);
  return i_sub (cell, _mm256_castps_si256 (_mm256_cmp_ps (x, border, _CMP_GE_OQ)));
}

INLINED ints
NAMED (nearest_place) (reals x)
{
  return i_sub (i_and (NAMED (cell_and_side) (x), i_all (31)), i_all (1));
}

/* Looked up in the uppermost byte, so that the sign comes down with it. */
INLINED reals
NAMED (nearest_value) (reals x)
{
  ints values = _mm256_broadcastsi128_si256 (
      _mm_setr_epi8 (113, -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89));
  ints looked_up = _mm256_shuffle_epi8 (values, i_up (NAMED (cell_and_side) (x), 24));
  return r_of (i_down_signed (looked_up, 24));
}

#else

/* Thirty-one cells of 8.75 each, counted from the one around 0 and round the table. */
INLINED ints
NAMED (cell_and_side) (reals x)
{
  const float no = INFINITY;
  reals above = _mm512_setr_ps (no, 7, 19, no, 31.5f, 45.5f, no, 61, no, 79, no, no, 101, no, no, no);
  reals below
      = _mm512_setr_ps (no, no, no, -115.5f, no, -93.5f, no, no, -74, -57, no, -42, no, -28.5f, -16, -4.5f);
  ints cell = r_bits (_mm512_fmadd_ps (x, r_all (1 / 8.75f), r_all (12582912.0f)));
  mask beyond = _mm512_cmp_ps_mask (x, _mm512_permutex2var_ps (above, cell, below), _CMP_GE_OQ);
  return _mm512_mask_add_epi32 (cell, beyond, cell, i_all (1));
}

INLINED ints
NAMED (nearest_place) (reals x)
{
  ints above = _mm512_setr_epi32 (8, 8, 9, 10, 10, 11, 12, 12, 13, 13, 14, 14, 14, 15, 15, 15);
  ints below = _mm512_setr_epi32 (15, 0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 4, 5, 5, 6, 7);
  return _mm512_permutex2var_epi32 (above, NAMED (cell_and_side) (x), below);
}

INLINED reals
NAMED (nearest_value) (reals x)
{
  reals above = _mm512_setr_ps (1, 1, 13, 25, 25, 38, 53, 53, 69, 69, 89, 89, 89, 113, 113, 113);
  reals below
      = _mm512_setr_ps (113, -127, -127, -127, -104, -104, -83, -83, -83, -65, -49, -49, -35, -35, -22, -10);
  return _mm512_permutex2var_ps (above, NAMED (cell_and_side) (x), below);
}

#endif
