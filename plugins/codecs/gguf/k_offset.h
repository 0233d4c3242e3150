/* SPDX-License-Identifier: Apache-2.0 */
/* k_offset.h: the search for the scale and the offset of parts whose codes count from their least
 * number: x is about scale * code - offset. Of several ranges the codes of each are made, the scale and
 * the offset that fit them best, and what is the least wrong of all is kept. */

typedef struct NAMED (fit) {
  /* What does not change: of the numbers and their weights. */
  const reals *x;
  reals lowest, highest, weight, weighted;
  /* What is the best so far. */
  reals least, scale, error, codes_inverse, codes_least;
  mask flat;
  /* Of the step: the codes' sums, and what fits them. */
  reals inverse, sum, squares, product, fit_scale, fit_least;
  mask fits;
} NAMED (fit);

typedef struct NAMED (weights) {
  reals of[SIDES][32], code[SIDES][32];
} NAMED (weights);

/* How far codes are from what they stand for: a square or a distance, times the weight. */
INLINED reals
NAMED (wrong) (reals scale, reals code, reals least, reals x, reals weight, bool by_distance)
{
  reals off = r_sub (r_add (r_mul (scale, code), least), x);
  return r_mul (weight, by_distance ? r_abs (off) : r_mul (off, off));
}

INLINED void
NAMED (begin_fit) (NAMED (fit) *f, const NAMED (weights) *w, int side, int size, int most, bool by_distance)
{
  f->lowest = f->highest = f->x[0];
  f->weight = w->of[side][0];
  f->weighted = r_mul (f->weight, f->x[0]);
  for (int i = 1; i < size; i++) {
    f->lowest = r_less (f->x[i], f->lowest);
    f->highest = r_more (f->x[i], f->highest);
    f->weight = r_add (f->weight, w->of[side][i]);
    f->weighted = r_add (f->weighted, r_mul (w->of[side][i], f->x[i]));
  }
  f->least = r_pick (r_below (r_all (0), f->lowest), r_all (0), f->lowest);
  f->flat = r_equal (f->highest, f->least);
  /* Flat parts have codes of 0 in any range. */
  reals range = r_pick (f->flat, r_all (1), r_sub (f->highest, f->least));
  f->codes_inverse = r_div (r_all ((float)most), range);
  f->codes_least = f->least;
  f->scale = r_div (r_all (1), f->codes_inverse);
  f->error = r_all (0);
  for (int i = 0; i < size; i++) {
    reals code
        = NAMED (code) (r_mul (f->codes_inverse, r_sub (f->x[i], f->least)), 0, most, 0);
    f->error = r_add (f->error, NAMED (wrong) (f->scale, code, f->least, f->x[i], w->of[side][i], by_distance));
  }
}

/* What is known of all codes of the step, as the least and the greatest number have them. */
INLINED unsigned
NAMED (known_codes) (const NAMED (fit) *f, int most)
{
  reals up = r_mul (f->inverse, r_sub (f->highest, f->least));
  reals down = r_mul (f->inverse, r_sub (f->lowest, f->least));
  mask near = m_and (r_below (r_abs (up), r_all (4000000)), r_below (r_abs (down), r_all (4000000)));
  mask above = m_or (r_below (r_all ((float)most + 0.49f), up), r_below (r_all ((float)most + 0.49f), down));
  return m_any (m_not (near)) ? 0 : m_any (above) ? NEAR : NEAR | NOT_ABOVE;
}

INLINED void
NAMED (sum_codes) (NAMED (fit) *f, NAMED (weights) *w, int size, int most, unsigned known)
{
  reals sum[SIDES], squares[SIDES], product[SIDES];
  UNROLLED
  for (int k = 0; k < SIDES; k++)
    sum[k] = squares[k] = product[k] = r_all (0);
  for (int i = 0; i < size; i++) {
    UNROLLED
    for (int k = 0; k < SIDES; k++) {
      reals code = NAMED (code) (r_mul (f[k].inverse, r_sub (f[k].x[i], f[k].least)), 0, most, known);
      reals weighted = r_mul (w->of[k][i], code);
      w->code[k][i] = code;
      sum[k] = r_add (sum[k], weighted);
      squares[k] = r_add (squares[k], r_mul (weighted, code));
      product[k] = r_add (product[k], r_mul (weighted, f[k].x[i]));
    }
  }
  UNROLLED
  for (int k = 0; k < SIDES; k++) {
    f[k].sum = sum[k];
    f[k].squares = squares[k];
    f[k].product = product[k];
  }
}

/* The least squares of what the codes say; an offset below 0 there is not. */
INLINED void
NAMED (fit_codes) (NAMED (fit) *f)
{
  reals by = r_sub (r_mul (f->weight, f->squares), r_mul (f->sum, f->sum));
  f->fits = r_below (r_all (0), by);
  f->fit_scale = r_div (r_sub (r_mul (f->weight, f->product), r_mul (f->weighted, f->sum)), by);
  f->fit_least = r_div (r_sub (r_mul (f->squares, f->weighted), r_mul (f->sum, f->product)), by);
  mask above = r_below (r_all (0), f->fit_least);
  if (m_any (above)) {
    f->fit_scale = r_pick (above, r_div (f->product, f->squares), f->fit_scale);
    f->fit_least = r_pick (above, r_all (0), f->fit_least);
  }
}

INLINED void
NAMED (keep_better) (NAMED (fit) *f, const NAMED (weights) *w, int size, bool by_distance)
{
  reals error[SIDES];
  UNROLLED
  for (int k = 0; k < SIDES; k++)
    error[k] = r_all (0);
  for (int i = 0; i < size; i++) {
    UNROLLED
    for (int k = 0; k < SIDES; k++)
      error[k] = r_add (error[k], NAMED (wrong) (f[k].fit_scale, w->code[k][i], f[k].fit_least, f[k].x[i],
                                                 w->of[k][i], by_distance));
  }
  UNROLLED
  for (int k = 0; k < SIDES; k++) {
    mask better = m_and (f[k].fits, r_below (error[k], f[k].error));
    f[k].error = r_pick (better, error[k], f[k].error);
    f[k].scale = r_pick (better, f[k].fit_scale, f[k].scale);
    f[k].codes_inverse = r_pick (better, f[k].inverse, f[k].codes_inverse);
    f[k].codes_least = r_pick (better, f[k].least, f[k].codes_least);
    /* The next step's codes count from here. */
    f[k].least = r_pick (better, f[k].fit_least, f[k].least);
  }
}

/* Parts from FIRST on, SIDES of them, with codes up to MOST and the weights W; a step's range is as
 * many codes as FROM + BY * step says. */
INLINED void
NAMED (search_offset) (NAMED (chunk) *c, NAMED (weights) *w, int first, int size, int most, float from,
                       float by, int steps, bool by_distance)
{
  NAMED (fit) f[SIDES];
  UNROLLED
  for (int k = 0; k < SIDES; k++) {
    f[k].x = c->x + (first + k) * size;
    NAMED (begin_fit) (&f[k], w, k, size, most, by_distance);
  }
  for (int step = 0; step <= steps; step++) {
    float range = from + by * (float)step + (float)most;
    unsigned known = NEAR | NOT_ABOVE;
    UNROLLED
    for (int k = 0; k < SIDES; k++) {
      f[k].inverse = r_div (r_all (range), r_pick (f[k].flat, r_all (1), r_sub (f[k].highest, f[k].least)));
      known &= NAMED (known_codes) (&f[k], most);
    }
    if (known == (NEAR | NOT_ABOVE))
      NAMED (sum_codes) (f, w, size, most, NEAR | NOT_ABOVE);
    else if (known == NEAR)
      NAMED (sum_codes) (f, w, size, most, NEAR);
    else
      NAMED (sum_codes) (f, w, size, most, 0);
    UNROLLED
    for (int k = 0; k < SIDES; k++)
      NAMED (fit_codes) (&f[k]);
    NAMED (keep_better) (f, w, size, by_distance);
  }
  UNROLLED
  for (int k = 0; k < SIDES; k++) {
    c->scale[first + k] = r_pick (f[k].flat, r_all (0), f[k].scale);
    c->offset[first + k] = r_neg (f[k].least);
    c->weight[first + k] = f[k].weight;
    c->inverse[first + k] = f[k].codes_inverse;
    c->least[first + k] = f[k].codes_least;
  }
}
