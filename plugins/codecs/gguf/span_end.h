/* SPDX-License-Identifier: Apache-2.0 */
/* span_end.h: takes away what one of the span_*.h has defined. */
#undef span
#undef codes
#undef s_in
#undef s_times
#undef s_minus
#undef s_sizes
#undef s_least
#undef s_most
#undef r_fold_least
#undef r_fold_most
#undef c_all
#undef c_cut
#undef c_near
#undef c_even
#undef c_at_most
#undef c_add
#undef c_up
#undef c_count
#undef c_signed
#undef c_bytes
#undef c_nibbles
#undef c_fifths
