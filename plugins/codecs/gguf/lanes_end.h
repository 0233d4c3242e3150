/* SPDX-License-Identifier: Apache-2.0 */
/* lanes_end.h: takes away what one of the lanes_*.h has defined. */
#if LANES > 1
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#undef LANES
#undef NAMED
#undef reals
#undef ints
#undef mask
#undef r_all
#undef r_add
#undef r_sub
#undef r_mul
#undef r_div
#undef r_sqrt
#undef r_abs
#undef r_neg
#undef r_less
#undef r_more
#undef r_below
#undef r_equal
#undef r_pick
#undef r_of
#undef r_bits
#undef i_all
#undef i_add
#undef i_sub
#undef i_and
#undef i_or
#undef i_up
#undef i_down
#undef i_down_signed
#undef i_less
#undef i_more
#undef i_below
#undef i_equal
#undef i_pick
#undef i_reals
#undef m_and
#undef m_or
#undef m_not
#undef m_never
#undef m_any
#undef m_bits
