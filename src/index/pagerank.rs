/// How much of a page's rank goes on along its links; the rest starts anew (Brin and Page, 1998).
const DAMPING: f64 = 0.85;
/// The rounds at most; the change is far below what orders an outline by then.
const MOST_ROUNDS: usize = 30;
/// The change of all ranks together at which the rounds end.
const SETTLED: f64 = 1e-5;

/// A weighted directed graph, as rows of links.
pub(super) struct Graph {
    /// By node, where its links begin; one more entry at the end.
    starts: Vec<u32>,
    /// Where a link leads, and its share of what its node gives on.
    links: Vec<(u32, f32)>,
}

impl Graph {
    /// Makes a graph of `nodes` nodes. Links are from, to and weight; those with one's own node, and those of no weight,
    /// are left out, and several between two nodes are added up.
    pub(super) fn new(nodes: usize, mut links: Vec<(u32, u32, f32)>) -> Self {
        links.retain(|(from, to, weight)| {
            from != to && (*from as usize) < nodes && (*to as usize) < nodes && *weight > 0.0 && weight.is_finite()
        });
        links.sort_unstable_by_key(|(from, to, _)| (*from, *to));
        links.dedup_by(|later, first| {
            let same = (later.0, later.1) == (first.0, first.1);
            if same {
                first.2 += later.2;
            }
            same
        });
        let mut totals = vec![0.0_f64; nodes];
        let mut starts = vec![0_u32; nodes + 1];
        for (from, _, weight) in &links {
            totals[*from as usize] += f64::from(*weight);
            starts[*from as usize + 1] += 1;
        }
        for at in 0..nodes {
            starts[at + 1] += starts[at];
        }
        let links = links
            .into_iter()
            .map(|(from, to, weight)| (to, (f64::from(weight) / totals[from as usize]) as f32))
            .collect();
        Self { starts, links }
    }

    /// Returns the links of a node: where they lead, and their shares of 1.
    pub(super) fn links(&self, node: usize) -> &[(u32, f32)] {
        match (self.starts.get(node), self.starts.get(node + 1)) {
            (Some(start), Some(end)) => &self.links[*start as usize..*end as usize],
            _ => &[],
        }
    }

    /// Returns the rank of every node, together 1. Whoever walks at random starts, and starts anew, at a node with the
    /// chance that `start` gives it; at every node alike where `start` holds no weight (Page et al., "The PageRank
    /// Citation Ranking", 1998, section 6).
    pub(super) fn ranks(&self, start: &[f32]) -> Vec<f32> {
        let nodes = self.starts.len() - 1;
        if nodes == 0 {
            return Vec::new();
        }
        let start = normalized(start, nodes);
        let mut ranks = start.clone();
        for _ in 0..MOST_ROUNDS {
            let mut next = vec![0.0_f64; nodes];
            // A node without links gives its rank back to where walks start.
            let mut lost = 0.0;
            for (node, rank) in ranks.iter().enumerate() {
                let links = self.links(node);
                if links.is_empty() {
                    lost += rank;
                }
                for (to, share) in links {
                    next[*to as usize] += rank * f64::from(*share);
                }
            }
            let mut change = 0.0;
            for ((new, old), start) in next.iter_mut().zip(&ranks).zip(&start) {
                *new = DAMPING * (*new + lost * start) + (1.0 - DAMPING) * start;
                change += (*new - old).abs();
            }
            ranks = next;
            if change < SETTLED {
                break;
            }
        }
        ranks.into_iter().map(|rank| rank as f32).collect()
    }
}

fn normalized(start: &[f32], nodes: usize) -> Vec<f64> {
    let weight = |node: usize| {
        start
            .get(node)
            .filter(|weight| weight.is_finite() && **weight > 0.0)
            .map_or(0.0, |weight| f64::from(*weight))
    };
    let total: f64 = (0..nodes).map(weight).sum();
    match total > 0.0 {
        true => (0..nodes).map(|node| weight(node) / total).collect(),
        false => vec![1.0 / nodes as f64; nodes],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_linked_to_ranks_higher() {
        let graph = Graph::new(4, vec![(0, 2, 1.0), (1, 2, 1.0), (2, 3, 1.0), (3, 3, 9.0)]);
        let ranks = graph.ranks(&[]);
        assert!(ranks[2] > ranks[0] && ranks[3] > ranks[0], "{ranks:?}");
        assert!((ranks[0] - ranks[1]).abs() < 1e-6);
        let near = graph.ranks(&[1.0, 0.0, 0.0, 0.0]);
        assert!(near[0] > near[1] && near[1] < 1e-6, "{near:?}");
    }

    #[test]
    fn shares_follow_weights() {
        let graph = Graph::new(
            3,
            vec![(0, 1, 1.0), (0, 2, 1.0), (0, 1, 2.0), (0, 9, 5.0), (1, 2, f32::NAN)],
        );
        assert_eq!(graph.links(0), [(1, 0.75), (2, 0.25)]);
        assert!(graph.links(1).is_empty() && graph.links(7).is_empty());
        assert!(Graph::new(0, Vec::new()).ranks(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn ranks_are_a_distribution(
            nodes in 1usize..12,
            links in prop::collection::vec((0u32..14, 0u32..14, 0.0f32..10.0), 0..40),
            start in prop::collection::vec(0.0f32..3.0, 0..14),
        ) {
            let ranks = Graph::new(nodes, links).ranks(&start);
            prop_assert_eq!(ranks.len(), nodes);
            prop_assert!(ranks.iter().all(|rank| *rank >= 0.0));
            prop_assert!((ranks.iter().sum::<f32>() - 1.0).abs() < 1e-3);
        }
    }
}
