//! The pricing of a product: the plans that can be chosen and everything that they refer to.

use super::{CreditCurrency, CreditPackage, Feature, Plan, Product, sql};
use crate::base::{CreditCurrencyId, FeatureId, PageQuery, ProductId, Viewer, page};
use crate::db::{DbError, Tx};
use crate::organizations::Tenant;

#[derive(Clone, Debug)]
pub struct Pricing {
    pub product: Product,
    /// By tier, oldest first.
    pub plans: Vec<Plan>,
    /// The features that a plan includes, in the order of their first appearance.
    pub features: Vec<Feature>,
    pub currencies: Vec<CreditCurrency>,
    pub packages: Vec<CreditPackage>,
}

/// Returns a product as this viewer may see it; `None` if the viewer may not.
pub async fn pricing(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: ProductId,
) -> Result<Option<Pricing>, DbError> {
    let Some(product) = sql::get::<Product>(tx, tenant, viewer, id).await? else {
        return Ok(None);
    };
    let mut plans = super::plans_of_product(tx, tenant, viewer, id).await?;
    plans.sort_by_key(|plan| plan.tier);
    let given = plans.iter().flat_map(|plan| &plan.entitlements).map(|given| given.feature_id);
    let features = super::features(tx, tenant, &distinct::<FeatureId>(given)).await?;
    let granted = plans.iter().flat_map(|plan| &plan.grant_rules);
    let granted = granted.map(|rule| rule.credit_currency_id);
    let costing = features.iter().filter_map(|feature: &Feature| feature.kind.credit());
    let named = granted.chain(costing.map(|(currency, _)| currency));
    let (mut currencies, mut packages) = (Vec::new(), Vec::new());
    for id in distinct::<CreditCurrencyId>(named) {
        currencies.extend(super::credit_currency(tx, tenant, id).await?);
        let all = PageQuery { limit: page::MAX_LIMIT, cursor: None, list: String::new() };
        let filter = id.to_string();
        let mut found: Vec<CreditPackage> =
            sql::page(tx, tenant, viewer, Some(&filter), &all).await?;
        found.sort_by_key(|package| package.price);
        packages.append(&mut found);
    }
    Ok(Some(Pricing { product, plans, features, currencies, packages }))
}

/// Removes duplicates and keeps the order.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut unique, one| {
        if !unique.contains(&one) {
            unique.push(one);
        }
        unique
    })
}
