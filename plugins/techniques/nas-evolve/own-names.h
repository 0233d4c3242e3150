/* SPDX-License-Identifier: Apache-2.0 */
/* own-names.h: the sources of build-model are compiled into this plugin once more, and a static build links both:
 * their functions have names of their own here. The compiler is told to read it first. */
#ifndef NAS_EVOLVE_OWN_NAMES_H
#define NAS_EVOLVE_OWN_NAMES_H

#define build_activate nas_build_activate
#define build_attention nas_build_attention
#define build_bias nas_build_bias
#define build_choice nas_build_choice
#define build_constant nas_build_constant
#define build_emit nas_build_emit
#define build_fill nas_build_fill
#define build_find_shapes nas_build_find_shapes
#define build_float nas_build_float
#define build_int nas_build_int
#define build_ints nas_build_ints
#define build_list nas_build_list
#define build_norm_layer nas_build_norm_layer
#define build_number nas_build_number
#define build_op nas_build_op
#define build_op_with nas_build_op_with
#define build_read_input nas_build_read_input
#define build_read_layer nas_build_read_layer
#define build_recurrent nas_build_recurrent
#define build_reshape nas_build_reshape
#define build_shape_text nas_build_shape_text
#define build_transpose nas_build_transpose
#define build_vector nas_build_vector
#define build_weight nas_build_weight

#endif
