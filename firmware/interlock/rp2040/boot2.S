/* Second boot stage (RP2040 datasheet 2.8.1): 256 bytes that the ROM copies to RAM, checks by CRC and calls.
   Sets the flash interface to plain serial reads (command 03h, 24-bit address), which every flash chip
   understands, and starts the image behind it. build.py fills in the checksum. */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .boot2, "ax"
    .global boot2
boot2:
    ldr r0, =0x18000000      /* SSI (4.10.13) */
    movs r1, #0
    str r1, [r0, #0x08]      /* SSIENR: off while it is set */
    movs r1, #4
    str r1, [r0, #0x14]      /* BAUDR: 125 MHz / 4 = 31 MHz; 03h is good for 33 MHz and more */
    ldr r1, =0x001f0300      /* CTRLR0: 32-bit frames, read after instruction and address */
    str r1, [r0, #0x00]
    movs r1, #0
    str r1, [r0, #0x04]      /* CTRLR1: one frame for each read */
    ldr r1, =0x03000218      /* SPI_CTRLR0: command 03h, 8-bit instruction, 24-bit address, serial */
    ldr r2, =0x180000f4
    str r1, [r2]
    movs r1, #1
    str r1, [r0, #0x08]
    ldr r0, =0x10000100      /* the vector table */
    ldr r1, =0xe000ed08      /* VTOR */
    str r0, [r1]
    ldmia r0!, {r1, r2}
    msr msp, r1
    bx r2
    .ltorg
