// Histograms of commits.

#include "broker/shell/histogram.h"
#include "tests/support/test.h"

TEST(histogram, a_value_equal_to_a_bound_is_below_it)
{
    struct histogram histogram = histogram_of(1, 2, 3); // 1 2 4
    histogram_add(&histogram, 1);
    histogram_add(&histogram, 1.5);
    histogram_add(&histogram, 4);
    histogram_add(&histogram, 4.5);
    EXPECT_EQ(histogram_below(&histogram, 0), 1);
    EXPECT_EQ(histogram_below(&histogram, 1), 2);
    EXPECT_EQ(histogram_below(&histogram, 2), 3);
    EXPECT_EQ(histogram.count, 4);
    EXPECT(histogram.sum == 11);
}

TEST(histogram, bounds_have_a_most)
{
    EXPECT_EQ(histogram_of(1, 2, HISTOGRAM_BOUNDS_MAX).bound_count, HISTOGRAM_BOUNDS_MAX);
    EXPECT_DIES((void)histogram_of(1, 2, HISTOGRAM_BOUNDS_MAX + 1));
}
