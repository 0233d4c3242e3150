/* SPDX-License-Identifier: Apache-2.0 */
/* k_scale.h: the searches for a scale alone. x is about scale * code, where codes lie around 0 and
 * the greatest number has the lowest code, or where they lie above it. */

typedef struct NAMED (ratio) {
  const reals *x, *weight;
  reals farthest, scale, best, codes_inverse;
  mask none;
  /* Of each range that is tried. */
  reals inverse[RANGES], product[RANGES], squares[RANGES];
} NAMED (ratio);

/* The sums of codes in RANGES ranges, of which a number and its weight are read once. */
INLINED void
NAMED (sum_ratios) (NAMED (ratio) *r, int sides, int tries, int size, int low, int high, unsigned known)
{
  reals product[SIDES][RANGES], squares[SIDES][RANGES];
  UNROLLED
  for (int k = 0; k < SIDES; k++)
    UNROLLED
    for (int t = 0; t < RANGES; t++)
      product[k][t] = squares[k][t] = r_all (0);
  for (int i = 0; i < size; i++) {
    UNROLLED
    for (int k = 0; k < sides; k++) {
      reals x = r[k].x[i], weight = r[k].weight[i], weighted = r_mul (weight, x);
      UNROLLED
      for (int t = 0; t < tries; t++) {
        reals code = NAMED (code) (r_mul (r[k].inverse[t], x), low, high, known);
        product[k][t] = r_add (product[k][t], r_mul (weighted, code));
        squares[k][t] = r_add (squares[k][t], r_mul (r_mul (weight, code), code));
      }
    }
  }
  UNROLLED
  for (int k = 0; k < sides; k++)
    UNROLLED
    for (int t = 0; t < tries; t++) {
      r[k].product[t] = product[k][t];
      r[k].squares[t] = squares[k][t];
    }
}

INLINED void
NAMED (keep_ratio) (NAMED (ratio) *r, int t)
{
  reals product = r->product[t], squares = r->squares[t];
  mask better = m_and (r_below (r_all (0), squares), r_below (r_mul (r->best, squares), r_mul (product, product)));
  reals scale = r_div (product, squares);
  r->scale = r_pick (better, scale, r->scale);
  r->best = r_pick (better, r_mul (scale, product), r->best);
  r->codes_inverse = r_pick (better, r->inverse[t], r->codes_inverse);
}

/* Ranges from STEP tenths of a code more than MOST on. Up to four tenths no code is below what there
 * is, if none of the numbers is farther away than the farthest. */
INLINED void
NAMED (try_ratios) (NAMED (ratio) *r, int sides, int step, int size, int most, unsigned known)
{
  UNROLLED
  for (int k = 0; k < sides; k++)
    UNROLLED
    for (int t = 0; t < RANGES; t++)
      r[k].inverse[t] = r_div (r_all (-((float)most + 0.1f * (float)(step + t))), r[k].farthest);
  if (known && step + RANGES - 1 <= 4)
    NAMED (sum_ratios) (r, sides, RANGES, size, -most, most - 1, known | NOT_BELOW);
  else
    NAMED (sum_ratios) (r, sides, RANGES, size, -most, most - 1, known);
  UNROLLED
  for (int t = 0; t < RANGES; t++)
    UNROLLED
    for (int k = 0; k < sides; k++)
      NAMED (keep_ratio) (&r[k], t);
}

/* The scale for codes from -MOST to MOST - 1 of each of SIDES: up to nine tenths of a code around what the
 * farthest number asks for. KNOWN: NEAR, if numbers are finite. */
INLINED void
NAMED (search_ratio) (NAMED (ratio) *r, int sides, int size, int most, unsigned known)
{
  UNROLLED
  for (int k = 0; k < sides; k++) {
    r[k].farthest = NAMED (farthest_or_one) (r[k].x, size, &r[k].none);
    r[k].inverse[0] = r[k].codes_inverse = r_div (r_all (-(float)most), r[k].farthest);
  }
  NAMED (sum_ratios) (r, sides, 1, size, -most, most - 1, known);
  UNROLLED
  for (int k = 0; k < sides; k++) {
    r[k].scale = r_pick (r_equal (r[k].squares[0], r_all (0)), r_all (0), r_div (r[k].product[0], r[k].squares[0]));
    r[k].best = r_mul (r[k].scale, r[k].product[0]);
  }
  for (int step = -9; step <= 9; step += step == -RANGES ? RANGES + 1 : RANGES)
    NAMED (try_ratios) (r, sides, step, size, most, known);
  UNROLLED
  for (int k = 0; k < sides; k++)
    r[k].scale = r_pick (r[k].none, r_all (0), r[k].scale);
}
