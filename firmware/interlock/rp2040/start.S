/* Reset: proves the RAM that will be used, fills the stack for the high-water check, starts the C part.
   Each word is written as its own address, then as the complement of it, upwards and downwards, so that
   stuck bits and stuck address lines show. Uses registers only. */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .text.reset_handler, "ax"
    .global reset_handler
    .thumb_func
reset_handler:
    cpsid i
    ldr r0, =0x40058000      /* WATCHDOG_CTRL: whoever ran before may have left it running; tick.c starts it anew */
    movs r1, #0
    str r1, [r0]
    ldr r0, =stack_bottom
    ldr r1, =ram_end
    mov r2, r0
1:  str r2, [r2]
    adds r2, #4
    cmp r2, r1
    blo 1b
    mov r2, r0
2:  ldr r3, [r2]
    cmp r3, r2
    bne 9f
    mvns r3, r2
    str r3, [r2]
    adds r2, #4
    cmp r2, r1
    blo 2b
    ldr r5, =0xa5a5a5a5
3:  subs r2, #4
    ldr r3, [r2]
    mvns r3, r3
    cmp r3, r2
    bne 9f
    str r5, [r2]
    cmp r2, r0
    bhi 3b
    ldr r0, =data_begin
    ldr r1, =data_end
    ldr r2, =data_image
    b 5f
4:  ldmia r2!, {r3}
    stmia r0!, {r3}
5:  cmp r0, r1
    blo 4b
    ldr r1, =bss_end        /* .bss follows .data */
    movs r3, #0
    b 7f
6:  stmia r0!, {r3}
7:  cmp r0, r1
    blo 6b
    bl start
9:  ldr r0, =0x4441524b      /* DARK_RAM; there is no stack to call with */
    ldr r1, =0x4005800c      /* WATCHDOG scratch 0 */
    str r0, [r1]
8:  wfi
    b 8b
    .ltorg
