/* The battery clock, a DS3231 (datasheet 19-5170, tables 1 and 2). It counts UTC from 2000 to 2099. */
#include "platform.h"

#define ADDRESS 0x68
#define STATUS 0x0f
#define STOPPED 0x80u
#define DAYS_TO_2000 10957u /* from 1970 */
#define DAYS_4_YEARS 1461u

static bool two_digits(uint8_t bcd, unsigned least, unsigned most, unsigned *value) {
    *value = 10u * (bcd >> 4) + (bcd & 15u);
    return (bcd & 15u) < 10u && least <= *value && *value <= most;
}

static uint8_t bcd_of(unsigned value) { return (uint8_t)((value / 10u) << 4 | value % 10u); }

static unsigned month_days(unsigned month, unsigned year) {
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && year % 4u == 0 ? 1u : 0u);
}

bool clock_chip_read(uint32_t *unix_s) {
    const uint8_t first = 0, status = STATUS;
    uint8_t raw[7], flags;
    unsigned second, minute, hour, day, month, year;
    if (bus_transfer(ADDRESS, &status, 1, &flags, 1) != BUS_OK || (flags & STOPPED)) {
        return false;
    }
    if (bus_transfer(ADDRESS, &first, 1, raw, 7) != BUS_OK) {
        return false;
    }
    /* Bit 6 of the hour would be the 12-hour mode and bit 7 of the month the next century: both fail here. */
    if (!two_digits(raw[0], 0, 59, &second) || !two_digits(raw[1], 0, 59, &minute) ||
        !two_digits(raw[2], 0, 23, &hour) || !two_digits(raw[5], 1, 12, &month) ||
        !two_digits(raw[6], 0, 99, &year) || !two_digits(raw[4], 1, month_days(month, year), &day)) {
        return false;
    }
    uint32_t days = DAYS_TO_2000 + year * 365u + (year + 3u) / 4u + day - 1u;
    for (unsigned m = 1; m < month; m++) {
        days += month_days(m, year);
    }
    *unix_s = ((days * 24u + hour) * 60u + minute) * 60u + second;
    return true;
}

bool clock_chip_set(uint32_t unix_s) {
    uint32_t days = unix_s / 86400u, second = unix_s % 86400u, read_s;
    if (days < DAYS_TO_2000 || days >= DAYS_TO_2000 + 25u * DAYS_4_YEARS) {
        return false;
    }
    const unsigned weekday = (days + 3u) % 7u + 1u; /* 1970 began on a Thursday; Monday is 1 */
    unsigned year = 0, month = 1;
    days -= DAYS_TO_2000;
    for (unsigned length; days >= (length = year % 4u ? 365u : 366u); days -= length) {
        year++;
    }
    for (; days >= month_days(month, year); month++) {
        days -= month_days(month, year);
    }
    const uint8_t write[8] = {0, bcd_of(second % 60u), bcd_of(second / 60u % 60u), bcd_of(second / 3600u),
                              (uint8_t)weekday, bcd_of(days + 1u), bcd_of(month), bcd_of(year)};
    const uint8_t running[2] = {STATUS, 0};
    return bus_transfer(ADDRESS, write, 8, NULL, 0) == BUS_OK &&
           bus_transfer(ADDRESS, running, 2, NULL, 0) == BUS_OK && clock_chip_read(&read_s) &&
           read_s - unix_s <= 1u;
}
